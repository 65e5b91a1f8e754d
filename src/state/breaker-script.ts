/**
 * Which upstreams some node has found failing, in one hash in Redis: the upstream's key, and the time until which its
 * circuit is open there, by the clock of Redis.
 *
 * ARGV[1] is JSON: a flat list of keys and milliseconds, the circuits that have opened at the caller. The answer is a flat
 * list of what is open, the caller's included: key, the time until when, and how long that is from now.
 */
import type { RedisStore } from './redis-store.ts';
import { defineScript } from './script.ts';

const breakerScript = defineScript(`
local opened = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

for i = 1, #opened, 2 do
  local untilThen = now + math.ceil(opened[i + 1])
  local known = tonumber(redis.call('HGET', KEYS[1], opened[i])) or 0
  if untilThen > known then redis.call('HSET', KEYS[1], opened[i], string.format('%.0f', untilThen)) end
end

local open, longest = {}, 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local left = (tonumber(all[i + 1]) or 0) - now
  if left > 0 then
    open[#open + 1], open[#open + 2], open[#open + 3] = all[i], tonumber(all[i + 1]), left
    longest = math.max(longest, left)
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
if #opened > 0 and longest > 0 then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', longest)) end
return open
`);

/** The key is `PREFIX:{breakers}`. */
const tag = 'breakers';

/** An upstream's circuit that is open at some node. */
export interface OpenCircuit {
  readonly key: string;
  /** The moment at which that ends: tells one opening from the next. */
  readonly until: number;
  readonly openForMs: number;
}

/** Tells what has opened here, and hears what is open anywhere. Null: Redis has not answered; an Error: it says no. */
export async function shareOpenCircuits(
  store: Pick<RedisStore, 'run' | 'prefix'>,
  opened: readonly (readonly [key: string, openForMs: number])[],
): Promise<OpenCircuit[] | Error | null> {
  const call = { script: breakerScript, keys: [`${store.prefix}:{${tag}}`], args: [JSON.stringify(opened.flat())] };
  const answer = (await store.run(call, tag)) as (string | number)[] | Error | null;
  if (answer === null || answer instanceof Error) return answer;
  const open: OpenCircuit[] = [];
  for (let i = 0; i < answer.length; i += 3) {
    open.push({ key: String(answer[i]), until: Number(answer[i + 1]), openForMs: Number(answer[i + 2]) });
  }
  return open;
}
