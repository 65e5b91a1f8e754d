/** Who may change something through the admin listener: programs and people, never a page of another site. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGuard } from '../../../../supervisor/admin/guard.ts';

const open = createGuard({ host: '127.0.0.1', token: null });
const locked = createGuard({ host: '127.0.0.1', token: 't0ken' });
const host = '127.0.0.1:9901';

test('without a token a change has to be deliberate: what a form of another site can send is not', () => {
  const plain = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', undefined];
  for (const type of plain) {
    const headers = type === undefined ? { host } : { host, 'content-type': type };
    assert.equal(open.refuseChange(headers)?.status, 403, type);
  }
  assert.equal(open.refuseChange({ host, 'content-type': 'application/json; charset=utf-8' }), null);
  assert.equal(open.refuseChange({ host, 'content-type': 'application/yaml' }), null);
  assert.equal(open.refuseChange({ host, 'x-sluice-admin': '1' }), null);
});

test('with a token its field is deliberate enough', () => {
  const headers = { host, authorization: 'Bearer t0ken' };
  assert.equal(locked.refuseVisitor(headers, 'operators'), null);
  assert.equal(locked.refuseChange(headers), null);
  assert.equal(locked.refuseVisitor({ host }, 'operators')?.status, 401);
});

test('a page of another site changes nothing, whatever it sends', () => {
  const sent = { host, 'x-sluice-admin': '1', 'content-type': 'application/json', authorization: 'Bearer t0ken' };
  for (const guard of [open, locked]) {
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:8080', 'https://127.0.0.1:9901']) {
      assert.equal(guard.refuseChange({ ...sent, origin })?.status, 403, origin);
    }
    assert.equal(guard.refuseChange({ ...sent, 'sec-fetch-site': 'cross-site' })?.status, 403);
    assert.equal(guard.refuseChange({ ...sent, 'sec-fetch-site': 'same-site' })?.status, 403);
    assert.equal(guard.refuseChange({ ...sent, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }), null);
  }
});
