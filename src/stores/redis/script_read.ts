// What is asked about jobs. Each answer is of one moment.
import { COMMON } from "./script_common.ts";

/** Jobs by their ids, and what is known of them: record, claim, the end that is still to be told. */
export const READ = `${COMMON}
if is_moving() then return 'batch' end
local found = {time(''), call('HMGET', JOBS, unpack(ARGV)), call('HMGET', RUNNING, unpack(ARGV)),
  call('HMGET', OWES, unpack(ARGV))}
return found`;

/** Where the jobs of a state are: those that have not ended are so by their queues. */
const BY_STATE = `
local function queue_names()
  local names = {}
  local member = call('ZRANGE', ACTIVE, 0, 0)[1]
  while member do
    local queue = queue_of(member)
    names[#names + 1] = queue
    member = call('ZRANGEBYLEX', ACTIVE, '['..queue..'0', '+', 'LIMIT', 0, 1)[1]
  end
  return names
end

local has_ended = {completed = true, dead = true, cancelled = true}

-- Adds pairs of a key and a beginning of members in it.
local function add_places(places, state, queues)
  if has_ended[state] then places[#places + 1] = {STATES, state..'/'} return end
  for _, queue in ipairs(queues) do
    places[#places + 1] = {ACTIVE, queue..'/'..state..'/'}
  end
end
`;

/**
 * A page of jobs, newest first. Arguments: how many, members below ('' for all), at least, and of which
 * jobs: 'arrivals', 'groups' and a name, or 'states' and their names.
 */
export const PAGE = `${COMMON}${BY_STATE}
if is_moving() then return 'batch' end
local count, below, least, key = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local places = {}
if key == 'states' then
  local queues = queue_names()
  for i = 5, #ARGV do add_places(places, ARGV[i], queues) end
else
  places[1] = {base..key, key == 'groups' and ARGV[5]..'/' or ''}
end
local arrivals = {}
for _, place in ipairs(places) do
  local key, prefix = place[1], place[2]
  local high = below ~= '' and '('..prefix..below or prefix == '' and '+' or to(prefix)
  local low = least ~= '' and '['..prefix..least or prefix == '' and '-' or from(prefix)
  for _, member in ipairs(call('ZREVRANGEBYLEX', key, high, low, 'LIMIT', 0, count)) do
    arrivals[#arrivals + 1] = string.sub(member, #prefix + 1)
  end
end
if #places > 1 then table.sort(arrivals, function(one, other) return one > other end) end
local ids = {}
for i = 1, math.min(count, #arrivals) do ids[i] = string.match(arrivals[i], '[^/]*$') end
if #ids == 0 then return {{}, {}} end
return {call('HMGET', JOBS, unpack(ids)), call('HMGET', RUNNING, unpack(ids))}`;

/** How many jobs are in each of the states that are named. */
export const COUNT = `${COMMON}${BY_STATE}
if is_moving() then return 'batch' end
local queues = queue_names()
local counts = {}
for i, state in ipairs(ARGV) do
  local places = {}
  add_places(places, state, queues)
  counts[i] = 0
  for _, place in ipairs(places) do
    counts[i] = counts[i] + call('ZLEXCOUNT', place[1], from(place[2]), to(place[2]))
  end
end
return counts`;

/** Arguments: time or '', queues (all if none). */
export const HAS_WORK = `${COMMON}${BY_STATE}
if is_moving() then return 'batch' end
if move_due(time(ARGV[1])) then return 'again' end
if call('HLEN', OWES) > 0 then return 1 end
local served = #ARGV > 1 and {unpack(ARGV, 2)} or queue_names()
for _, queue in ipairs(served) do
  if first(ACTIVE, queue..'/processing/') then return 1 end
  local settings = settings_of(queue)
  if not (settings and settings.paused) and
    (first(ACTIVE, queue..'/failed/') or first(READY, queue..'/')) then return 1 end
end
return 0`;

/** Each queue that has settings, or a job that has not ended: its counts, and its oldest jobs. */
export const QUEUE_LIST = `${COMMON}${BY_STATE}
if is_moving() then return 'batch' end
local queues = {}
for i, queue in ipairs(queue_names()) do
  local line = {queue}
  for _, state in ipairs({'pending', 'failed', 'blocked', 'processing'}) do
    local prefix = queue..'/'..state..'/'
    line[#line + 1] = call('ZLEXCOUNT', ACTIVE, from(prefix), to(prefix))
  end
  for _, state in ipairs({'pending', 'failed'}) do
    local prefix = queue..'/'..state..'/'
    local member = first(ACTIVE, prefix)
    line[#line + 1] = member and string.sub(member, #prefix + 1) or ''
  end
  queues[i] = line
end
return queues`;

/**
 * When the next job falls due after a time, or the rate of a queue lets the next one begin. Arguments:
 * time or '', so many milliseconds ago.
 */
export const NEXT_DUE = `${COMMON}
if is_moving() then return 'batch' end
local now = time(ARGV[1])
local after = now - tonumber(ARGV[2])
local due
local function earlier(at) if not due or at < due then due = at end end
local later = call('ZRANGEBYSCORE', LATER, '('..string.format('%.0f', after), '+inf',
  'WITHSCORES', 'LIMIT', 0, 1)
if later[1] then earlier(tonumber(type(later[1]) == 'table' and later[1][2] or later[2])) end
for _, queue in ipairs(call('HKEYS', QUEUES)) do
  local settings = settings_of(queue)
  if settings.count and not settings.paused and first(READY, queue..'/') then
    local nth = tonumber(call('LINDEX', base..'begins:'..queue, settings.count - 1) or '')
    if nth and nth + settings.window > after then earlier(nth + settings.window) end
  end
end
return {due and string.format('%.0f', due) or '', string.format('%.0f', now)}`;

/**
 * The job that has been due for the longest, by the first of each priority of each queue, and those
 * that fall due next at one moment.
 */
export const WAITING_ENDS = `${COMMON}
if is_moving() then return 'batch' end
local now = ARGV[1]
local oldest
local function older(member)
  local turn = string.sub(member, #queue_of(member) + 7)
  if not oldest or turn < oldest then oldest = turn end
end
local member = call('ZRANGE', READY, 0, 0)[1]
while member do
  older(member)
  local same = string.sub(member, 1, #queue_of(member) + 6)
  member = call('ZRANGEBYLEX', READY, '('..same..'~', '+', 'LIMIT', 0, 1)[1]
end
local due = call('ZRANGEBYSCORE', LATER, '-inf', now, 'LIMIT', 0, 100)
for _, one in ipairs(due) do older(one) end
local ids = {}
local next_one = call('ZRANGEBYSCORE', LATER, '('..now, '+inf', 'LIMIT', 0, 1)[1]
if next_one then
  local score = call('ZSCORE', LATER, next_one)
  for i, one in ipairs(call('ZRANGEBYSCORE', LATER, score, score, 'LIMIT', 0, 100)) do
    ids[i] = string.match(one, '[^/]*$')
  end
end
return {oldest and string.match(oldest, '[^/]*$') or '', ids}`;

/** Jobs that wait for one that has ended. Arguments: its id, its fate, how many. */
export const TO_TELL = `${COMMON}
local prefix = ARGV[1]..(ARGV[2] == 'dead' and '/1/' or '/')
local members = call('ZRANGEBYLEX', WAITS, from(prefix), to(prefix), 'LIMIT', 0, ARGV[3])
local records = {}
for i, member in ipairs(members) do
  records[i] = call('HGET', JOBS, string.match(member, '[^/]*$')) or ''
end
return {time(''), members, records}`;
