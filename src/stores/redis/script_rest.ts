// What is asked and changed of hosts and workers, of output, and of a queue as a whole.
import { PRINT, SPOILED } from "./script_common.ts";

/**
 * A sign of life of a host: its lease begins anew. Arguments: id, name, whether it is guarded, how long
 * the lease holds where nothing is set, and of each worker its name and the age of its last sign.
 */
export const BEAT = `
local base, call = KEYS[1], redis.call
local id, name, guarded, fallback = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(call('HGET', base..'settings', 'lease') or '') or tonumber(fallback)
-- A script that has begun to remove may go on where the memory is full: else all jobs would end there.
call('HDEL', base..'hosts', '')
for i = 5, #ARGV, 2 do
  if call('HGET', base..'places', ARGV[i]) == id then
    call('HSET', base..'seen', ARGV[i], string.format('%.0f', now - tonumber(ARGV[i + 1])))
  end
end
local beat, since = 0, string.format('%s%06d', time[1], time[2])
local before = call('HGET', base..'hosts', id)
if before then
  local old_beat, old_since = string.match(before, '^(%S+) %S+ %S+ (%S+)')
  beat, since = tonumber(old_beat), old_since
end
call('HSET', base..'hosts', id, string.format('%.0f %s %.0f %s %s %s', beat + 1, tostring(lease),
  now + lease * 1000, since, guarded, name))
-- A replica that was promoted runs on, with another master_replid.
local replication = call('INFO', 'replication')
local server = string.match(call('INFO', 'server'), 'run_id:(%w+)')..'.'..
  string.match(replication, 'master_replid:(%w+)')
local strays = call('EXISTS', base..'lost')
for _, claim in ipairs(call('HVALS', base..'running')) do
  local worker = string.match(claim, '^%S+ %S+ (%S+)')
  if call('HEXISTS', base..'places', worker) == 0 then strays = 1 end
end
return {now, tostring(lease), since, server, call('HGETALL', base..'hosts'), strays,
  replication}`;

/** Takes a host for gone, if it has given no sign of life since. Arguments: id, its last beat. */
export const DECLARE_GONE = `${SPOILED}
local wrong = spoiled()
if wrong then return wrong end
local base, call = KEYS[1], redis.call
local host = call('HGET', base..'hosts', ARGV[1])
if not host then return 0 end
local beat, till, guarded, name = string.match(host, '^(%S+) %S+ (%S+) %S+ (%S+) (.*)$')
local time = call('TIME')
if beat ~= ARGV[2] or guarded ~= '1' or tonumber(till) >= time[1] * 1000 + time[2] / 1000 then
  return 0
end
local places = call('HGETALL', base..'places')
for i = 1, #places, 2 do
  if places[i + 1] == ARGV[1] then
    call('HDEL', base..'places', places[i])
    call('HSET', base..'lost', places[i], name)
  end
end
call('HDEL', base..'hosts', ARGV[1])
return 1`;

/** The time, and all that is known of workers: places, workers, seen, hosts. */
export const ALL_PLACES = `
local base, call = KEYS[1], redis.call
local time = call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), call('HGETALL', base..'places'),
  call('HGETALL', base..'workers'), call('HGETALL', base..'seen'), call('HGETALL', base..'hosts')}`;

/** Adds to what an attempt has printed, if its job is there. Arguments: id, attempt, from, bytes. */
export const PUT_OUTPUT = `
local base, call = KEYS[1], redis.call
${PRINT}
if call('HEXISTS', base..'jobs', ARGV[1]) == 0 then return 0 end
print_output(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 1`;

/**
 * Whether a job is in each of its places, if it is as it was. Arguments: id, record, claim or '', and of
 * each place the key and the member.
 */
export const PLACED = `
local base, call = KEYS[1], redis.call
local is_same = call('HGET', base..'jobs', ARGV[1]) == ARGV[2] and
  (call('HGET', base..'running', ARGV[1]) or '') == ARGV[3]
if not is_same then return 'changed' end
local found = {}
for i = 4, #ARGV, 2 do
  local there = call('ZSCORE', base..ARGV[i], ARGV[i + 1])
  -- One that has fallen due was moved.
  if not there and ARGV[i] == 'later' then there = call('ZSCORE', base..'ready', ARGV[i + 1]) end
  found[#found + 1] = there and 1 or 0
end
return found`;

/**
 * Puts a queue that was built beside this one in its place, where no job runs and no worker is there but
 * those that were. Arguments: where that was built, its generation of output and the bytes of it,
 * whether jobs, schedules and settings may be replaced, the number of places and each of them; then the
 * keys that are replaced. Returns `batch` if one is on its way to its place.
 */
export const REPLACE = `
local base, call = KEYS[1], redis.call
local built = base..ARGV[1]
if call('EXISTS', built..'versions') == 0 then return {'gone'} end
local running = call('HGETALL', base..'running')
if running[1] then return {'running', running[1], running[2]} end
if call('HGET', base..'batch', 'state') == 'published' then return 'batch' end
if ARGV[4] == '0' and call('EXISTS', base..'jobs', base..'schedules', base..'settings') > 0 then
  return {'there'}
end
local before = {}
for i = 6, 5 + ARGV[5] do before[ARGV[i]] = true end
local places = call('HGETALL', base..'places')
for i = 1, #places, 2 do
  local place = places[i]..' '..places[i + 1]..' '..(call('HGET', base..'workers', places[i]) or '')
  if not before[place] then return {'joined'} end
end
for _, queue in ipairs(call('HKEYS', base..'queues')) do call('UNLINK', base..'begins:'..queue) end
for i = 6 + ARGV[5], #ARGV do
  call('UNLINK', base..ARGV[i])
  if call('EXISTS', built..ARGV[i]) == 1 then call('RENAME', built..ARGV[i], base..ARGV[i]) end
end
call('UNLINK', base..'batch', base..'staged', base..'staged_keys', base..'pile', built..'versions')
call('HSET', base..'versions', 'generation', ARGV[2], 'log_bytes', ARGV[3])
for _, topic in ipairs({'settings', 'schedules'}) do call('HINCRBY', base..'versions', topic, 1) end
for _, topic in ipairs({'jobs', 'schedules'}) do call('PUBLISH', base..'talk:'..topic, '') end
return {'done'}`;

/** For how many seconds nobody has used any of these keys. */
export const IDLE = `
local least
for _, key in ipairs(ARGV) do
  local idle = redis.pcall('OBJECT', 'IDLETIME', KEYS[1]..key)
  -- A server with a policy of LFU does not know it, and says so.
  if type(idle) == 'table' then return 0 end
  if idle and (not least or idle < least) then least = idle end
end
return least or 0`;
