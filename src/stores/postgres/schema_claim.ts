// The claim, as a function in the database: one round trip, its plans are kept, and each of its
// statements sees what has been committed before it, which is what makes limits and pauses exact.
// What may begin is said in SQL here as `roomIn` and `beginTime` of queue/queues.ts say it, and what
// expires as `hasExpired` of queue/start_by.ts does.

/** What a claim throws of a worker that has no place any more. */
export const PLACE_LOST = "QC001";

/** The order of claiming: see queue/order.ts. */
const TURN = "priority desc, turn, created_at, sequence, id";

/**
 * Of statements whose indexes have the right order: the planner would sort all jobs where it believes
 * that few rows come out, as it does while its statistics are old.
 */
const BY_INDEX = "set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off";

export const CLAIM_FUNCTIONS = `
-- The time of the store, to the millisecond.
create function queuectl.time() returns timestamptz language sql volatile
  return date_trunc('milliseconds', clock_timestamp());

-- Whether a queue lets a job begin at that time; its row is locked by the caller.
create function queuectl.has_room(gate queuectl.queues, now timestamptz)
returns boolean language plpgsql volatile as $$
declare
  rate_window interval := make_interval(secs => gate.rate_seconds);
  newest queuectl.begins;
begin
  if gate.paused then return false; end if;
  if gate.max_running is not null and gate.max_running <= (
    select count(*) from queuectl.jobs where queue = gate.name and state = 'processing'
  ) then
    return false;
  end if;
  if gate.rate_count is null then return true; end if;
  select * into newest from queuectl.begins where queue = gate.name order by n desc limit 1;
  -- Long past, or so far ahead that the clock must have been set back: says nothing any more.
  if newest is null or newest.at <= now - rate_window or newest.at >= now + rate_window then
    return true;
  end if;
  return not exists (
    select from queuectl.begins
    where queue = gate.name and n = newest.n - gate.rate_count + 1 and at > now - rate_window
  );
end $$;

-- A job of a queue with a rate begins: keeps the time, and returns it.
create function queuectl.begin_job(gate queuectl.queues, now timestamptz)
returns timestamptz language plpgsql volatile as $$
declare
  rate_window interval := make_interval(secs => gate.rate_seconds);
  newest queuectl.begins;
  begun timestamptz := now;
begin
  if gate.rate_count is null then return now; end if;
  select * into newest from queuectl.begins where queue = gate.name order by n desc limit 1;
  if newest is not null then
    if newest.at <= now - rate_window or newest.at >= now + rate_window then
      delete from queuectl.begins where queue = gate.name;
    else
      begun := greatest(now, newest.at);
      delete from queuectl.begins where queue = gate.name and n <= newest.n - gate.rate_count;
    end if;
  end if;
  insert into queuectl.begins values (gate.name, coalesce(newest.n, 0) + 1, begun);
  return begun;
end $$;

-- Takes the job whose turn it is, for a worker. One that has not begun in time is returned as it is.
-- place: the id of the host on which that worker must have its place.
create function queuectl.claim(
  by_worker text, by_pid bigint, by_host text, at timestamptz, served text[], place text
) returns setof queuectl.jobs language plpgsql volatile ${BY_INDEX} as $$
declare
  now timestamptz;
  head record;
  gate queuectl.queues;
  chosen text;
  begun timestamptz;
  gated text[];
begin
  -- Whoever changes settings waits until claims that may have seen the old ones are over.
  lock table queuectl.queues in row share mode;
  if place is not null and not exists (
    select from queuectl.workers where name = by_worker and host_id = place
  ) then
    raise exception using errcode = '${PLACE_LOST}', message = by_worker || ' has lost its place';
  end if;
  now := coalesce(at, queuectl.time());
  if exists (select from queuectl.jobs where line = 'later' and run_at <= now) then
    update queuectl.jobs j
    set line = case when exists (select from queuectl.queues q where q.name = j.queue)
      then 'gate' else 'open' end
    where id in (
      select id from queuectl.jobs where line = 'later' and run_at <= now
      for update skip locked
    );
  end if;
  begun := now;
  gated := array(select name from queuectl.queues);
  if served is null and gated = '{}' then
    select id into chosen from queuectl.jobs where line = 'open'
    order by ${TURN} limit 1 for update skip locked;
  else
    for head in
      select * from (
        (
          select queue, priority, turn, created_at, sequence, id, true as free
          from queuectl.jobs
          where served is null and line = 'open' and queue <> all (gated)
          order by ${TURN} limit 1
        )
        union all
        select first.*, not served_queue.gated as free
        from (
          select name, true as gated from queuectl.queues
          where not paused and (served is null or name = any (served))
          union all
          select named.name, false from unnest(served) as named(name)
          where named.name <> all (gated)
        ) as served_queue (name, gated), lateral (
          select queue, priority, turn, created_at, sequence, id from queuectl.jobs j
          where line <> 'later' and queue = served_queue.name
          order by ${TURN} limit 1
        ) as first
      ) as heads order by ${TURN}
    loop
      if head.free and served is null then
        select id into chosen from queuectl.jobs
        where line = 'open' and queue <> all (gated)
        order by ${TURN} limit 1 for update skip locked;
      else
        if not head.free then
          select * into gate from queuectl.queues where name = head.queue;
          continue when not queuectl.has_room(gate, now);
          -- Again, now that nobody else can begin one.
          select * into gate from queuectl.queues where name = head.queue for update;
          if at is null then now := queuectl.time(); end if;
          continue when not queuectl.has_room(gate, now);
        end if;
        select id into chosen from queuectl.jobs where line <> 'later' and queue = head.queue
        order by ${TURN} limit 1 for update skip locked;
      end if;
      continue when chosen is null;
      if not head.free and not exists (select from queuectl.jobs j
        where id = chosen and queuectl.has_expired(j, now))
      then
        begun := queuectl.begin_job(gate, now);
      end if;
      exit;
    end loop;
  end if;
  if chosen is null then return; end if;
  return query update queuectl.jobs j
    set state = 'processing', before_state = state, line = null, turn = null,
      attempts = attempts + 1, worker = by_worker, pid = by_pid, host = by_host,
      started_at = begun
    where id = chosen and not queuectl.has_expired(j, now)
    returning j.*;
  if not found then
    return query select * from queuectl.jobs where id = chosen;
  end if;
end $$;
`;

/** The end of a job, for one that nobody waits for: see `endOf` in row.ts. */
export const FINISH_FUNCTION = `
-- Returns null if the job is no longer held by this claim, or others wait for it; else whether its
-- queue has settings.
create or replace function queuectl.finish(
  job_id text, by_worker text, by_pid bigint, n integer, begun timestamptz,
  new_state text, new_since timestamptz, new_run_at timestamptz, new_turn timestamptz,
  new_attempts integer, new_counted_from integer, new_reason text, ended jsonb
) returns boolean language plpgsql volatile as $$
declare
  gated boolean;
begin
  update queuectl.jobs j set
    state = new_state, since = new_since, run_at = new_run_at, turn = new_turn,
    attempts = new_attempts, counted_from = new_counted_from, reason = new_reason,
    history = history || ended, worker = null, host = null, pid = null, started_at = null,
    before_state = null,
    line = case when new_state not in ('pending', 'failed') then null
      when new_run_at is not null then 'later'
      when exists (select from queuectl.queues q where q.name = j.queue) then 'gate'
      else 'open' end
  -- Only one that runs has a worker. Asked for its state, too, the planner would look for the job
  -- among all that run, or have run since the oldest transaction began.
  where id = job_id and not awaited
    and worker = by_worker and pid = by_pid and attempts = n and started_at = begun
  returning exists (select from queuectl.queues q where q.name = j.queue) into gated;
  return gated;
end $$;
`;

/** By which the jobs that are due stand in their index. */
const PLACE = "queue, priority desc, turn, created_at, sequence, id";
const READY = "select * from queuectl.jobs where line <> 'later'";

/** What is asked about jobs that wait. */
export const WAITING_FUNCTIONS = `
-- The job that has been due for the longest: the first of those at the head of each priority of each
-- queue, which the index finds one from the other, and of those due since the last claim.
create function queuectl.oldest_due(now timestamptz) returns text
language plpgsql stable ${BY_INDEX} as $$
begin
  return (
    with recursive heads as (
      (${READY} order by ${PLACE} limit 1)
      union all
      select next.* from heads, lateral (
        (${READY} and queue = heads.queue and priority < heads.priority order by ${PLACE} limit 1)
        union all
        (${READY} and queue > heads.queue order by ${PLACE} limit 1)
        order by queue, priority desc limit 1
      ) as next
    ), all_due as (
      select turn, created_at, sequence, id from heads
      union all
      (
        select turn, created_at, sequence, id from queuectl.jobs
        where line = 'later' and run_at <= now order by run_at limit 1
      )
    )
    select id from all_due order by turn, created_at, sequence, id limit 1
  );
end $$;

-- When the next job falls due, or the rate of a queue lets the next one begin.
create function queuectl.next_due(at timestamptz) returns timestamptz
language plpgsql volatile as $$
declare
  now timestamptz := coalesce(at, queuectl.time());
  due timestamptz := (select min(run_at) from queuectl.jobs where line = 'later' and run_at > now);
  gate queuectl.queues;
begin
  for gate in
    select * from queuectl.queues q where rate_count is not null and not paused
      and exists (select from queuectl.jobs where line <> 'later' and queue = q.name)
  loop
    due := least(due, (
      select b.at + make_interval(secs => gate.rate_seconds)
      from queuectl.begins b where b.queue = gate.name
        and b.n = (select max(n) from queuectl.begins where queue = gate.name) - gate.rate_count + 1
        and b.at + make_interval(secs => gate.rate_seconds) > now
    ));
  end loop;
  return due;
end $$;

create function queuectl.has_work(at timestamptz, served text[]) returns boolean
language sql volatile as $$
  with now as (select coalesce(at, queuectl.time()) as now),
  closed as (select name from queuectl.queues where paused)
  select exists (
    select from queuectl.jobs where state = 'processing'
      and (served is null or queue = any (served))
  ) or exists (
    select from queuectl.jobs where state = 'failed'
      and (served is null or queue = any (served)) and queue not in (select name from closed)
  ) or exists (
    select from queuectl.jobs where line = 'later' and run_at <= (select now from now)
      and (served is null or queue = any (served)) and queue not in (select name from closed)
  ) or exists (
    select from queuectl.jobs where line = 'open'
      and (served is null or queue = any (served)) and queue not in (select name from closed)
  ) or exists (
    select from queuectl.queues q where not paused and (served is null or name = any (served))
      and exists (select from queuectl.jobs where line <> 'later' and queue = q.name)
  ) or exists (select from queuectl.jobs where owes);
$$;
`;

export const EXPIRY_FUNCTION = `
create function queuectl.has_expired(job queuectl.jobs, now timestamptz)
returns boolean language sql immutable
return job.start_by is not null and now > job.start_by and job.state in ('pending', 'blocked')
  and job.attempts = 0 and job.since <= job.start_by;
`;
