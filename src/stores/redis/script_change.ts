// The script by which everything is changed: see commit.ts, which makes its arguments.
import { COMMON, PRINT, SPOILED } from "./script_common.ts";

/**
 * Changes: checks, of which each has to hold, and then steps. Returns the number of the first check
 * that does not hold and what is there instead; or 0 and whether an end is still to be told.
 */
export const COMMIT = `
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

${PRINT}
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
    elseif step == 'print' then
      print_output(words[i + 1], words[i + 2], words[i + 3], words[i + 4])
      i = i + 5
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

export const CHANGE = `${SPOILED}${COMMON}${COMMIT}
return spoiled() or commit()`;

/** Puts the next jobs of a published batch in their place. Returns whether more are left. */
export const MOVE = `${SPOILED}${COMMON}${COMMIT}
local wrong = spoiled()
if wrong then return wrong end
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
