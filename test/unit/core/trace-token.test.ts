/** Who shows the trace token: exactly one field with exactly these bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTraceToken } from '../../../src/core/trace-token.ts';

test('without a token in the config nobody can show it', () => assert.equal(compileTraceToken(null), null));

const shows = compileTraceToken('tökén');
const bytes = Buffer.from('tökén').toString('latin1');

const cases: readonly (readonly [what: string, fields: readonly string[], shown: boolean])[] = [
  ['no field', ['Host', 'a'], false],
  ['the token, in any case of the name', ['Host', 'a', 'x-sluice-TRACE', bytes], true],
  ['another one', ['X-Sluice-Trace', 'token'], false],
  ['a part of it', ['X-Sluice-Trace', bytes.slice(0, -1)], false],
  ['more than it', ['X-Sluice-Trace', `${bytes} `], false],
  ['nothing', ['X-Sluice-Trace', ''], false],
  ['it twice', ['X-Sluice-Trace', bytes, 'X-Sluice-Trace', bytes], false],
  ['it in another field', ['X-Sluice_Trace', bytes], false],
];

for (const [what, fields, shown] of cases) test(what, () => assert.equal(shows?.(fields), shown));
