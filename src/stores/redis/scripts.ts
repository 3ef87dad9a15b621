// The scripts that run in the server, each of them atomic: what is claimed, and what is changed if
// nobody else has changed it. The rules are elsewhere, in functions without a server; what may begin is
// said here as `roomIn` and `beginTime` of queue/queues.ts say it, and what has expired is known by its
// time in `expiring`. The random histories of the conformance suite compare all of it with the model.
//
// Each key is named in keys.ts. A script that finds a batch which is published, and not yet in its
// place, says so: whoever asks puts it there first (see batch.ts).

const COMMON = `
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

-- What is set of a queue, if anything ever was.
local function settings_of(queue)
  local text = call('HGET', QUEUES, queue)
  if not text then return nil end
  local limit, count, seconds, paused = string.match(text, '^(%S+) (%S+) (%S+) (%S+)$')
  return {
    limit = tonumber(limit), count = tonumber(count), paused = paused == '1',
    window = (tonumber(seconds) or 0) * 1000,
  }
end

-- Keeps which job of a queue is first, for claims in all queues; none of a paused one.
local function set_head(queue)
  local settings = settings_of(queue)
  local head = not (settings and settings.paused) and first(READY, queue..'/')
  local new = head and string.sub(head, #queue + 2)..' '..queue
  local old = call('HGET', HEAD_OF, queue)
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
    call('ZREM', LATER, member)
    call('ZADD', READY, 0, member)
    dirty[queue_of(member)] = true
  end
  for queue in pairs(dirty) do set_head(queue) end
  return #due == 500
end

local function is_moving() return call('HGET', base..'batch', 'state') == 'published' end
`;

/**
 * Changes: checks, of which each has to hold, and then steps. Returns the number of the first check
 * that does not hold and what is there instead; or 0 and whether an end is still to be told.
 */
const COMMIT = `
local at = 1
local function next_arg()
  at = at + 1
  return ARGV[at - 1]
end

local function failing_check()
  for i = 1, tonumber(next_arg()) do
    local kind = next_arg()
    if kind == '=' then
      local key, field, expected = next_arg(), next_arg(), next_arg()
      local there = call('HGET', base..key, field)
      if there ~= expected then return {i, there or ''} end
    elseif kind == '!' then
      local there = call('HGET', base..next_arg(), next_arg())
      if there then return {i, there} end
    elseif kind == '?' then
      if call('HEXISTS', base..next_arg(), next_arg()) == 0 then return {i, ''} end
    else
      if first(WAITS, next_arg()..'/') then return {i, ''} end
    end
  end
end

-- What the attempts of a job have printed.
local function drop_outputs(id)
  local members = call('ZRANGEBYLEX', base..'outputs', from(id..'/'), to(id..'/'))
  local generation = call('HGET', base..'versions', 'generation') or '0'
  for _, member in ipairs(members) do
    local key = base..'out:'..generation..':'..member
    call('HINCRBY', base..'versions', 'log_bytes', 1 - call('STRLEN', key))
    call('UNLINK', key)
    call('ZREM', base..'outputs', member)
  end
end

-- Takes steps from a list of words. Returns whether an end is still to be told.
local function apply(words, i, last)
  local dirty, awaited, owes = {}, {}, 0
  local function owe(id, fate)
    if first(WAITS, id..(fate == 'dead' and '/1/' or '/')) then
      call('HSET', OWES, id, fate)
      owes = 1
    end
  end
  while i <= last do
    local step = words[i]
    if step == '+' then
      call('ZADD', base..words[i + 1], words[i + 2], words[i + 3])
      if words[i + 1] == 'ready' then dirty[queue_of(words[i + 3])] = true end
      i = i + 4
    elseif step == '-' then
      call('ZREM', base..words[i + 1], words[i + 2])
      if words[i + 1] == 'ready' then dirty[queue_of(words[i + 2])] = true end
      i = i + 3
    elseif step == 'set' then
      call('HSET', base..words[i + 1], words[i + 2], words[i + 3])
      i = i + 4
    elseif step == 'unset' then
      call('HDEL', base..words[i + 1], words[i + 2])
      i = i + 3
    elseif step == 'await' then
      call('ZADD', WAITS, 0, words[i + 1]..'/'..words[i + 2]..'/'..words[i + 3])
      awaited[words[i + 1]] = true
      i = i + 4
    elseif step == 'ended' then
      owe(words[i + 1], words[i + 2])
      i = i + 3
    elseif step == 'told' then
      if not first(WAITS, words[i + 1]..(words[i + 2] == 'dead' and '/1/' or '/')) then
        call('HDEL', OWES, words[i + 1])
      end
      i = i + 3
    elseif step == 'head' then
      dirty[words[i + 1]] = true
      i = i + 2
    elseif step == 'say' then
      call('PUBLISH', base..words[i + 1], words[i + 2])
      i = i + 3
    elseif step == 'count' then
      call('HINCRBY', base..'versions', words[i + 1], 1)
      i = i + 2
    elseif step == 'push' then
      call('RPUSH', base..words[i + 1], words[i + 2])
      i = i + 3
    elseif step == 'now' then
      call('HSET', base..words[i + 1], words[i + 2], time(''))
      i = i + 3
    elseif step == 'forget' then
      drop_outputs(words[i + 1])
      i = i + 2
    else -- drop
      call('UNLINK', base..words[i + 1])
      i = i + 2
    end
  end
  for queue in pairs(dirty) do set_head(queue) end
  -- What has ended before, or is gone, is told to those who have just come.
  for id in pairs(awaited) do
    if call('HEXISTS', JOBS, id) == 0 then
      if call('HEXISTS', base..'staged', id) == 0 then owe(id, 'removed') end
    else
      for _, state in ipairs({'completed', 'dead', 'cancelled'}) do
        if call('ZSCORE', base..'ended:'..state, id) then owe(id, state) end
      end
    end
  end
  return owes
end

local function commit()
  local failed = failing_check()
  if failed then return failed end
  local last = at + tonumber(next_arg())
  local owes = apply(ARGV, at, last)
  at = last + 1
  return {0, owes}
end
`;

const CLAIM = `
-- Whether a queue lets a job begin now.
local function has_room(queue, settings, now)
  if settings.paused then return false end
  if settings.limit then
    local running = queue..'/processing/'
    if call('ZLEXCOUNT', ACTIVE, from(running), to(running)) >= settings.limit then return false end
  end
  if not settings.count then return true end
  local begins = base..'begins:'..queue
  local newest = tonumber(call('LINDEX', begins, 0) or '')
  -- Long past, or so far ahead that the clock must have been set back: says nothing any more.
  if not newest or newest <= now - settings.window or newest >= now + settings.window then
    return true
  end
  local nth = tonumber(call('LINDEX', begins, settings.count - 1) or '')
  return not (nth and nth > now - settings.window)
end

-- A job of a queue with a rate begins: keeps the time, and returns it.
local function begin(queue, settings, now)
  if not (settings and settings.count) then return now end
  local begins = base..'begins:'..queue
  local newest = tonumber(call('LINDEX', begins, 0) or '')
  local begun = now
  if newest then
    if newest <= now - settings.window or newest >= now + settings.window then
      call('DEL', begins)
    else
      begun = math.max(now, newest)
    end
  end
  call('LPUSH', begins, string.format('%.0f', begun))
  call('LTRIM', begins, 0, settings.count - 1)
  return begun
end

-- The first member of those that are ready and may begin, and what is set of its queue.
local function chosen(served, now)
  if not served then
    local start = 0
    while true do
      local heads = call('ZRANGE', HEADS, start, start + 15)
      for _, head in ipairs(heads) do
        local order, queue = string.match(head, '^(%S+) (%S+)$')
        local settings = settings_of(queue)
        if not settings or has_room(queue, settings, now) then
          return queue..'/'..order, queue, settings
        end
      end
      if #heads < 16 then return nil end
      start = start + 16
    end
  end
  local heads = {}
  for _, queue in ipairs(served) do
    local member = first(READY, queue..'/')
    if member then heads[#heads + 1] = {string.sub(member, #queue + 2), queue} end
  end
  table.sort(heads, function(one, other) return one[1] < other[1] end)
  for _, head in ipairs(heads) do
    local queue = head[2]
    local settings = settings_of(queue)
    if not settings or has_room(queue, settings, now) then
      return queue..'/'..head[1], queue, settings
    end
  end
end

-- Arguments: worker, process id, host, time or '', place or '', number of queues or -1 for all, queues.
local function claim()
  local worker, pid, host = next_arg(), next_arg(), next_arg()
  local given, place, count = next_arg(), next_arg(), tonumber(next_arg())
  local served = count >= 0 and {} or nil
  for i = 1, count do served[i] = next_arg() end
  if place ~= '' and call('HGET', base..'places', worker) ~= place then return {'place'} end
  if is_moving() then return {'batch'} end
  local now = time(given)
  if move_due(now) then return {'again'} end
  local member, queue, settings = chosen(served, now)
  if not member then return {'none'} end
  local arrival = string.sub(member, #queue + 19)
  local id = string.match(arrival, '[^/]*$')
  local record = call('HGET', JOBS, id)
  if not record then -- damaged: a member without its job
    call('ZREM', READY, member)
    set_head(queue)
    return {'again'}
  end
  local start_by = call('ZSCORE', base..'expiring', id)
  if start_by and now > tonumber(start_by) then return {'expired', id} end
  local begun = begin(queue, settings, now)
  -- What entriesOf() in entries.ts says of a job that is claimed.
  call('ZREM', READY, member)
  set_head(queue)
  if call('ZREM', ACTIVE, queue..'/pending/'..arrival) == 0 then
    call('ZREM', ACTIVE, queue..'/failed/'..arrival)
  end
  call('ZADD', ACTIVE, 0, queue..'/processing/'..arrival)
  if start_by then call('ZREM', base..'expiring', id) end
  local running = string.format('%.0f', begun)..' '..pid..' '..worker..' '..host
  call('HSET', RUNNING, id, running)
  return {'job', record, running, first(WAITS, id..'/') and 1 or 0}
end
`;

export const CHANGE = `${COMMON}${COMMIT}
return commit()`;

export const CLAIM_ONE = `${COMMON}${COMMIT}${CLAIM}
return claim()`;

/** A change, and where its checks hold a claim; whether the queue named last has settings. */
export const CHANGE_AND_CLAIM = `${COMMON}${COMMIT}${CLAIM}
local changed = commit()
if changed[1] ~= 0 then return changed end
local gated = call('HEXISTS', QUEUES, next_arg())
return {0, gated, at <= #ARGV and claim() or {'none'}}`;

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

/** Puts the next jobs of a published batch in their place. Returns whether more are left. */
export const MOVE = `${COMMON}${COMMIT}
if not is_moving() then return 0 end
local words = call('LPOP', base..'pile')
if words then
  words = cjson.decode(words)
  apply(words, 1, #words)
  return 1
end
call('UNLINK', base..'staged', base..'staged_keys', base..'batch')
call('PUBLISH', base..'talk:jobs', '')
return 0`;

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
 * Adds to what an attempt has printed, if its job is there. Arguments: id, attempt, from, bytes. The
 * first byte that is kept says that it is there: a text without any is not.
 */
export const PUT_OUTPUT = `
local base, call = KEYS[1], redis.call
if call('HEXISTS', base..'jobs', ARGV[1]) == 0 then return 0 end
local generation = call('HGET', base..'versions', 'generation') or '0'
local member = ARGV[1]..'/'..ARGV[2]
local key = base..'out:'..generation..':'..member
local before = call('STRLEN', key)
if before == 0 then
  call('ZADD', base..'outputs', 0, member)
  before = call('SETRANGE', key, 0, '\\0')
end
local after = call('SETRANGE', key, ARGV[3] + 1, ARGV[4])
call('HINCRBY', base..'versions', 'log_bytes', after - before)
return 1`;

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
local server = string.match(call('INFO', 'server'), 'run_id:(%w+)')
return {now, tostring(lease), since, server, call('HGETALL', base..'hosts')}`;

/** Takes a host for gone, if it has given no sign of life since. Arguments: id, its last beat. */
export const DECLARE_GONE = `
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

/**
 * Puts a queue that was built beside this one in its place, where no job runs and no worker is there but
 * those that were. Arguments: where that was built, its generation of output and the bytes of it, the
 * number of places and each of them; then the keys that are replaced.
 */
export const REPLACE = `
local base, call = KEYS[1], redis.call
local built = base..ARGV[1]
if call('EXISTS', built..'versions') == 0 then return {'gone'} end
local running = call('HGETALL', base..'running')
if running[1] then return {'running', running[1], running[2]} end
local before = {}
for i = 5, 4 + ARGV[4] do before[ARGV[i]] = true end
local places = call('HGETALL', base..'places')
for i = 1, #places, 2 do
  local place = places[i]..' '..places[i + 1]..' '..(call('HGET', base..'workers', places[i]) or '')
  if not before[place] then return {'joined'} end
end
for _, queue in ipairs(call('HKEYS', base..'queues')) do call('UNLINK', base..'begins:'..queue) end
for i = 5 + ARGV[4], #ARGV do
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
  local idle = redis.call('OBJECT', 'IDLETIME', KEYS[1]..key)
  if idle and (not least or idle < least) then least = idle end
end
return least or 0`;

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
