/** The paths of the admin listener. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../../../supervisor/admin/endpoint.ts';
import { chooseMethod, findByPath } from '../../../../supervisor/admin/find-endpoint.ts';

const endpoint = (method: Endpoint['method'], path: string): Endpoint => ({
  method,
  path,
  for: 'operators',
  answer: () => ({ status: 200, headers: [], body: [] }),
});
const endpoints = [
  endpoint('GET', '/things'),
  endpoint('GET', '/things/:name'),
  endpoint('DELETE', '/things/:name'),
  endpoint('POST', '/things/:name/parts/:part/drain'),
];

test('a parameter is one segment, decoded', () => {
  const [found] = findByPath(endpoints, '/things/a%20b/parts/h%3A80%2Fbase/drain');
  assert.deepEqual(found?.parameters, { name: 'a b', part: 'h:80/base' });
  for (const path of ['/things/', '/things/a/b', '/things/%zz', '/thing', '/things/a/parts//drain', '']) {
    assert.deepEqual(findByPath(endpoints, path), [], path);
  }
});

test('HEAD is GET, and another method than those of the path is told which there are', () => {
  const found = findByPath(endpoints, '/things/a');
  assert.equal((chooseMethod(found, 'HEAD') as { endpoint: Endpoint }).endpoint.method, 'GET');
  assert.equal((chooseMethod(found, 'DELETE') as { endpoint: Endpoint }).endpoint.method, 'DELETE');
  const refused = chooseMethod(found, 'POST');
  assert.deepEqual('status' in refused && [refused.status, refused.headers], [405, ['Allow', 'GET, HEAD, DELETE']]);
});
