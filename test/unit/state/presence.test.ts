/** When Redis counts as away, and when as back: every order of events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Presence } from '../../../src/state/presence.ts';

const events = ['answered', 'late', 'failed', 'probeAnswered'] as const;
type Event = (typeof events)[number];

function play(sequence: readonly Event[]): { presence: Presence; changes: string[] } {
  const changes: string[] = [];
  const presence = new Presence((status) => changes.push(status));
  for (const event of sequence) presence[event]('reason');
  return { presence, changes };
}

test('two late answers in a row, or one error, are away', () => {
  assert.equal(play(['probeAnswered', 'late']).presence.status, 'up');
  assert.equal(play(['probeAnswered', 'late', 'late']).presence.status, 'away');
  assert.equal(play(['probeAnswered', 'late', 'answered', 'late']).presence.status, 'up');
  assert.equal(play(['probeAnswered', 'failed']).presence.status, 'away');
});

test('only a probe brings it back', () => {
  const away: Event[] = ['probeAnswered', 'failed', 'answered'];
  assert.equal(play(away).presence.status, 'away');
  assert.equal(play([...away, 'probeAnswered']).presence.status, 'up');
});

test('what was late before it went away is forgotten when it is back', () => {
  assert.equal(play(['probeAnswered', 'late', 'failed', 'probeAnswered', 'late']).presence.status, 'up');
});

test('whatever happens: away exactly after an error or two late answers in a row since the last probe, and told once', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 30 }), (sequence) => {
      const { presence, changes } = play(sequence);
      const since = sequence.slice(sequence.lastIndexOf('probeAnswered') + 1);
      const isAway = since.includes('failed') || since.some((event, i) => event === 'late' && since[i + 1] === 'late');
      const isHeardOf = sequence.includes('probeAnswered');
      assert.equal(presence.status, isAway ? 'away' : isHeardOf ? 'up' : 'unknown');
      assert.ok(changes.every((status, i) => status !== changes[i - 1]));
      assert.equal(changes.at(-1) ?? 'unknown', presence.status);
    }),
  );
});
