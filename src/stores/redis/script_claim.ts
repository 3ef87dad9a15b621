// The claim, which many want at once. What may begin is said here as `roomIn` and `beginTime` of
// queue/queues.ts say it, and what has expired is known by its time in `expiring`. The random histories
// of the conformance suite compare it with the model.
import { COMMIT } from "./script_change.ts";
import { COMMON } from "./script_common.ts";

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

-- The first member of those that are ready and may begin, its queue, and what is set of it; and its
-- member in HEADS, if that was looked at.
local function chosen(served, now)
  if not served then
    local start = 0
    while true do
      local heads = call('ZRANGE', HEADS, start, start + 15)
      for _, head in ipairs(heads) do
        local order, queue = string.match(head, '^(%S+) (%S+)$')
        local settings = settings_of(queue)
        if not settings or has_room(queue, settings, now) then
          return queue..'/'..order, queue, settings, head
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
  local member, queue, settings, head = chosen(served, now)
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
  -- All that can be is read before the first change.
  local is_awaited = first(WAITS, id..'/') and 1 or 0
  local begun = begin(queue, settings, now)
  -- What entriesOf() in entries.ts says of a job that is claimed.
  call('ZREM', READY, member)
  set_head(queue, head)
  if call('ZREM', ACTIVE, queue..'/pending/'..arrival) == 0 then
    call('ZREM', ACTIVE, queue..'/failed/'..arrival)
  end
  call('ZADD', ACTIVE, 0, queue..'/processing/'..arrival)
  if start_by then call('ZREM', base..'expiring', id) end
  local running = string.format('%.0f', begun)..' '..pid..' '..worker..' '..host
  call('HSET', RUNNING, id, running)
  return {'job', record, running, is_awaited}
end
`;

export const CLAIM_ONE = `${COMMON}${COMMIT}${CLAIM}
return claim()`;

/** A change, and where its checks hold a claim; whether the queue named last has settings. */
export const CHANGE_AND_CLAIM = `${COMMON}${COMMIT}${CLAIM}
local changed = commit()
if changed[1] ~= 0 then return changed end
local gated = settings_text(next_arg()) and 1 or 0
return {0, gated, at <= #ARGV and claim() or {'none'}}`;
