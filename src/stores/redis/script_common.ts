// What the scripts have in common; each runs in the server, and is atomic. The rules are elsewhere, in
// functions without a server. Each key is named in keys.ts.
//
// A script that finds a batch which is published, and not yet in its place, says so: whoever asks puts
// it there first (see batch.ts).

import { KEY_TYPES } from "./keys.ts";

/**
 * Returns an error if a key is not what it should be, since another program has the same prefix. A
 * script that met it half-way would leave half of a change: the server takes back nothing. Takes about
 * 1 µs a key, so what workers do for each job goes without; it is looked at when they start.
 */
export const SPOILED = `
local function spoiled()
  for _, key in ipairs({${keyList()}}) do
    local there = redis.call('TYPE', KEYS[1]..key[1]).ok
    if there ~= key[2] and there ~= 'none' then
      return redis.error_reply('WRONGTYPE '..KEYS[1]..key[1]..' is a '..there..', not a '..key[2])
    end
  end
end
`;

function keyList(): string {
  return Object.entries(KEY_TYPES)
    .flatMap(([type, keys]) => keys.map((key) => `{'${key}','${type}'}`)).join(",");
}

/** Looks at the types of all keys, and returns the version of what they hold, if it has one. */
export const VERSION_OF = `${SPOILED}
return spoiled() or redis.call('GET', KEYS[1]..'version')`;

/**
 * A change that replicas are told of, and that leaves all as it was. The server allows it where its
 * memory is full, too.
 */
export const TOUCH = `
redis.call('PEXPIRE', KEYS[1]..'version', 1000000000)
redis.call('PERSIST', KEYS[1]..'version')`;

export const COMMON = `
local base = KEYS[1]
local call = redis.call
local JOBS, RUNNING, STATES, ACTIVE = base..'jobs', base..'running', base..'states', base..'active'
local READY, LATER, HEADS, HEAD_OF = base..'ready', base..'later', base..'heads', base..'head_of'
local WAITS, OWES, QUEUES = base..'waits', base..'owes', base..'queues'

-- All members of a set that begin with a text which ends in '/'.
local function from(prefix) return '['..prefix end
local function to(prefix) return '('..string.sub(prefix, 1, -2)..'0' end
local function first(key, prefix)
  return call('ZRANGEBYLEX', key, from(prefix), to(prefix), 'LIMIT', 0, 1)[1]
end

local function time(given)
  if given ~= '' then return tonumber(given) end
  local now = call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function queue_of(member) return string.match(member, '^[^/]*') end

-- What is set of a queue, if anything ever was. No script asks, changes it, and asks again.
local known = {}
local function settings_text(queue)
  if known[queue] == nil then known[queue] = call('HGET', QUEUES, queue) end
  return known[queue]
end
local function settings_of(queue)
  local text = settings_text(queue)
  if not text then return nil end
  local limit, count, seconds, paused = string.match(text, '^(%S+) (%S+) (%S+) (%S+)$')
  return {
    limit = tonumber(limit), count = tonumber(count), paused = paused == '1',
    window = (tonumber(seconds) or 0) * 1000,
  }
end

-- Keeps which job of a queue is first, for claims in all queues; none of a paused one. Whoever knows
-- its member in HEADS says so.
local function set_head(queue, old)
  local settings = settings_of(queue)
  local head = not (settings and settings.paused) and first(READY, queue..'/')
  local new = head and string.sub(head, #queue + 2)..' '..queue
  old = old or call('HGET', HEAD_OF, queue)
  if old == new then return end
  if old then call('ZREM', HEADS, old) end
  if new then
    call('ZADD', HEADS, 0, new)
    call('HSET', HEAD_OF, queue, new)
  else
    call('HDEL', HEAD_OF, queue)
  end
end

-- Moves jobs that have fallen due to those that are ready. Returns whether more are left.
local function move_due(now)
  local due = call('ZRANGEBYSCORE', LATER, '-inf', now, 'LIMIT', 0, 500)
  local dirty = {}
  for _, member in ipairs(due) do
    call('ZADD', READY, 0, member)
    dirty[queue_of(member)] = true
  end
  for queue in pairs(dirty) do set_head(queue) end
  -- Last: what fails half-way is done again.
  for _, member in ipairs(due) do call('ZREM', LATER, member) end
  return #due == 500
end

local function is_moving() return call('HGET', base..'batch', 'state') == 'published' end
`;

/**
 * Adds to what an attempt has printed. The first byte that is kept says that it is there: a text
 * without any is not.
 */
export const PRINT = `
local function print_output(id, attempt, start, bytes)
  local generation = call('HGET', base..'versions', 'generation') or '0'
  local member = id..'/'..attempt
  local key = base..'out:'..generation..':'..member
  local before = call('STRLEN', key)
  if before == 0 then
    call('ZADD', base..'outputs', 0, member)
    before = call('SETRANGE', key, 0, '\\0')
  end
  local after = call('SETRANGE', key, start + 1, bytes)
  call('HINCRBY', base..'versions', 'log_bytes', after - before)
end
`;

const hashes = new Map<string, Promise<string>>();

/** By which the server knows a script. */
export function hashOf(script: string): Promise<string> {
  const known = hashes.get(script);
  if (known !== undefined) return known;
  const hash = crypto.subtle.digest("SHA-1", new TextEncoder().encode(script))
    .then((bytes) => new Uint8Array(bytes).toHex());
  hashes.set(script, hash);
  return hash;
}
