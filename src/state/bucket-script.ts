/**
 * Token buckets in Redis: src/limit/bucket.ts and judge.ts once more, as a Lua script. Redis runs it alone and to its end,
 * so what it decides holds over all nodes. Its clock is that of Redis: those of nodes differ.
 *
 * KEYS are the buckets. ARGV[1] is JSON: `[rules, asks]`. A rule is three numbers in the flat list `rules`: max, windowMs,
 * and 1 when it is shadowed. An ask is `[mode, rule, bucket, rule, bucket, …]`, indexes from 1. Modes: 1 takes a token
 * from each bucket or from none; 0 looks and takes nothing; -1 gives a token back to each. The answer is one number for
 * each bucket of each ask, as in Levels (src/contracts/limiter.ts).
 *
 * Numbers are doubles here as there, and whole, so that both come to the same result. Lua would write them with 14 digits:
 * `%.0f` writes them all. A bucket is kept as `used at windowMs`, until it is full again. Whatever else stands in its place
 * counts as a full one and is written over: one key must not keep all others from being asked for.
 */
import { defineScript } from './script.ts';

export const bucketScript = defineScript(`
local rules, asks = unpack(cjson.decode(ARGV[1]))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local buckets, changed, levels = {}, {}, {}

local function open(place)
  local bucket = buckets[place]
  if bucket then return bucket end
  bucket = { used = 0, at = now, window = 0 }
  local kept = redis.pcall('GET', KEYS[place])
  if type(kept) == 'string' then
    local used, at, window = string.match(kept, '^(%d+) (%d+) (%d+)$')
    if used then bucket = { used = tonumber(used), at = tonumber(at), window = tonumber(window) } end
  end
  buckets[place] = bucket
  return bucket
end

local function usedNow(bucket, max, window)
  local used = bucket.used
  if used > 0 and bucket.window ~= window then used = math.ceil(used / bucket.window) * window end
  used = math.min(used, max * window)
  if now <= bucket.at then return used end
  return math.max(0, used - (now - bucket.at) * max)
end

local function keep(place, used, max, window)
  local bucket = buckets[place]
  bucket.used, bucket.max, bucket.window = used, max, window
  if now >= bucket.at or bucket.at - now > window then bucket.at = now end
  changed[place] = true
end

for _, ask in ipairs(asks) do
  local mode, first = ask[1], #levels
  local admitted = mode == 1
  for i = 2, #ask, 2 do
    local rule, place = ask[i] * 3, ask[i + 1]
    local max, window = rules[rule - 2], rules[rule - 1]
    local used = usedNow(open(place), max, window)
    local missing = used + window - max * window
    if mode == -1 then keep(place, math.max(0, used - window), max, window) end
    if missing > 0 then
      levels[#levels + 1] = -math.ceil(missing / max)
      if rules[rule] == 0 then admitted = false end
    else
      levels[#levels + 1] = used
    end
  end
  if admitted then
    for i = 2, #ask, 2 do
      local rule, at = ask[i] * 3, first + i / 2
      local max, window, used = rules[rule - 2], rules[rule - 1], levels[at]
      if used >= 0 then
        levels[at] = used + window
        keep(ask[i + 1], used + window, max, window)
      end
    end
  end
end

for place in pairs(changed) do
  local bucket = buckets[place]
  local fullIn = math.ceil(bucket.used / bucket.max) + math.max(0, bucket.at - now)
  local kept = string.format('%.0f %.0f %.0f', bucket.used, bucket.at, bucket.window)
  redis.call('SET', KEYS[place], kept, 'PX', string.format('%.0f', math.max(1, fullIn)))
end
return levels
`);
