/** What a gateway has told about Redis going and coming. */
import type { Gateway } from './gateway.ts';

/** `up`, `away`, `back`, in order. */
export function redisChanges(gateway: Gateway): string[] {
  return redisLines(gateway).map(({ msg }) => /^Redis is (\w+)/.exec(String(msg))?.[1] ?? '');
}

/** How long after `since` (as of Date.now) the gateway has told of its return, by its own clock. */
export async function backAfterMs(gateway: Gateway, since: number): Promise<number> {
  const line = await gateway.log(
    ({ msg, time }) => msg === 'Redis is back' && Number(time) >= since,
    'Redis to be back',
  );
  return Number(line['time']) - since;
}

/** The longest that a request has taken, as the gateway says, of those that ended from then on. */
export function longestRequestMs(gateway: Gateway, since: number): number {
  const lines = gateway.logs.filter(({ requestId, time }) => requestId !== undefined && Number(time) >= since);
  return lines.reduce((longest, { durationMs }) => Math.max(longest, Number(durationMs)), 0);
}

function redisLines(gateway: Gateway) {
  return gateway.logs.filter(({ msg }) => String(msg).startsWith('Redis is '));
}
