/** Names of fields, as others might read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesField } from '../../../src/core/http-fields.ts';

test('a field is named by its name, and by names that differ in underscores only', () => {
  for (const name of ['x-api-key', 'x_api_key', 'x-api_key']) {
    for (const field of ['x-api-key', 'x_api_key', 'x_api-key']) assert.ok(namesField(name, field), `${name} ${field}`);
  }
});

test('other names do not name it', () => {
  for (const name of ['', 'x-api-keys', 'x-api-ke', 'xxapi-key', 'x.api.key', 'y_api_key']) {
    assert.ok(!namesField(name, 'x-api-key'), name);
  }
});
