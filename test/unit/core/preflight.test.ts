/** What is a browser's preflight, and what is just an OPTIONS request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPreflight } from '../../../src/core/preflight.ts';

const asked = ['Origin', 'https://a.example', 'access-control-request-method', 'PUT'];

test('OPTIONS with an origin and a requested method is a preflight', () => {
  assert.deepEqual(readPreflight('OPTIONS', asked), { origin: 'https://a.example', method: 'PUT', headers: '' });
  const withHeaders = [...asked, 'Access-Control-Request-Headers', 'x-a', 'Access-Control-Request-Headers', 'x-b'];
  assert.equal(readPreflight('OPTIONS', withHeaders)?.headers, 'x-a,x-b');
});

test('anything else is none', () => {
  assert.equal(readPreflight('GET', asked), null);
  assert.equal(readPreflight('OPTIONS', asked.slice(2)), null);
  assert.equal(readPreflight('OPTIONS', asked.slice(0, 2)), null);
  assert.equal(readPreflight('OPTIONS', [...asked, 'origin', 'https://b.example']), null);
  assert.equal(readPreflight('OPTIONS', [...asked, 'Access-Control-Request-Method', 'GET']), null);
  assert.equal(readPreflight('OPTIONS', ['Origin', 'x', 'Access-Control-Request-Method', '']), null);
});
