// `queuectl.enqueue` for those who enqueue in SQL, inside a transaction of theirs: the job is there
// when that commits. What may be asked for is said here as `makeJob` of queue/enqueue.ts says it.
import { DEFAULT_SETTINGS } from "../../queue/settings.ts";

/** Where another one would lead to depends on where `start` was called. */
const WHOLE_PATH = "^(/|[A-Za-z]:[\\\\/]|\\\\\\\\)";
const NAME = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$";
/** The last day that a `Date` can hold. */
const LAST_TIME = "275760-09-12";
const { max_retries, job_timeout } = DEFAULT_SETTINGS;

/** What `ENQUEUE_FUNCTIONS` need. */
export const ENQUEUE_PARTS = `
-- The order of jobs that are enqueued in SQL at one moment.
create sequence queuectl.enqueue_order as integer maxvalue 9999999 cycle;

-- Tells whoever enqueues what can't be done, and what to do.
create function queuectl.refuse(what text) returns void language plpgsql as $$
begin
  raise exception using errcode = 'invalid_parameter_value',
    message = 'queuectl: cannot enqueue the job: ' || what;
end $$;

-- Calls off the jobs that have these keys and have not begun in time; returns how many. Whoever may
-- enqueue may do that, too. Those that wait for them are told by whoever looks for what is to be told.
create function queuectl.cancel_expired(keys text[], at timestamptz)
returns integer language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
  now timestamptz := coalesce(at, queuectl.time());
  expired text[];
begin
  with cancelled as (
    update queuectl.jobs j set state = 'cancelled', reason = 'expired',
      since = greatest(now, since), line = null, turn = null, run_at = null, met = '{}',
      owes = awaited
    where unique_key = any (keys) and state in ('pending', 'blocked')
      and queuectl.has_expired(j, now)
    returning id
  )
  select array_agg(id) into expired from cancelled;
  delete from queuectl.dependencies where job_id = any (expired);
  return coalesce(cardinality(expired), 0);
end $$;
`;

/** These replace what an earlier version has made, whenever they were changed: see schema.ts. */
export const ENQUEUE_FUNCTIONS = `
-- Enqueues a job. Returns its id; that of the job that has its key where there is one.
create or replace function queuectl.enqueue(
  command text,
  queue text default 'default',
  priority integer default 0,
  delay interval default null,
  run_at timestamptz default null,
  cwd text default '/',
  env jsonb default '{}',
  max_retries integer default null,
  timeout double precision default null,
  group_name text default null,
  unique_key text default null,
  start_by timestamptz default null,
  after text[] default '{}',
  after_any text[] default '{}',
  id text default null
) returns text language plpgsql volatile as $$
#variable_conflict use_variable
declare
  now timestamptz := queuectl.time();
  due timestamptz := date_trunc('milliseconds', coalesce(run_at, now + delay));
  wanted text := coalesce(id, gen_random_uuid()::text);
  needs text[] := array(select distinct n from unnest(after) as n where n is not null);
  awaits text[] := array(select distinct n from unnest(after_any) as n where n <> all (needs));
  other text;
begin
  -- Programs give null for what was not given to them.
  queue := coalesce(queue, 'default');
  priority := coalesce(priority, 0);
  cwd := coalesce(cwd, '/');
  env := coalesce(env, '{}');
  if command is null or btrim(command, E' \\t\\r\\n') = '' then
    perform queuectl.refuse('the command is empty');
  elsif wanted !~ '${NAME}' then
    perform queuectl.refuse(format('"%s" cannot be a job''s id', wanted));
  elsif queue !~ '${NAME}' then
    perform queuectl.refuse(format('"%s" cannot be the name of a queue', queue));
  elsif group_name !~ '${NAME}' then
    perform queuectl.refuse(format('"%s" cannot be the name of a group', group_name));
  elsif unique_key = '' or length(unique_key) > 256 or unique_key ~ '[\\u0001-\\u001f\\u007f-\\u009f]' then
    perform queuectl.refuse('its key takes 1 to 256 characters, and no control characters');
  elsif abs(priority) > 1000000 then
    perform queuectl.refuse('the priority is to be from -1000000 to 1000000');
  elsif max_retries < 0 or max_retries > 1000 then
    perform queuectl.refuse('max_retries is to be from 0 to 1000');
  elsif timeout < 0 or timeout = 'infinity' or timeout = 'nan' then
    perform queuectl.refuse('the timeout is to be seconds, or 0 for none');
  elsif run_at is not null and delay is not null then
    perform queuectl.refuse('give run_at or delay, not both');
  elsif not isfinite(due) or not isfinite(start_by) or greatest(due, start_by) > '${LAST_TIME}' then
    perform queuectl.refuse('its times are to be finite, and before ${LAST_TIME}');
  elsif start_by < greatest(now, due) then
    perform queuectl.refuse('start_by is over, or before the job may run');
  elsif cwd !~ '${WHOLE_PATH}' then
    perform queuectl.refuse(format('cwd is to be a whole path, such as /srv, not "%s"', cwd));
  elsif jsonb_typeof(env) <> 'object' or exists (
    select from jsonb_each(env) as e
    where e.key !~ '^[A-Za-z_][A-Za-z0-9_]*$' or jsonb_typeof(e.value) <> 'string'
  ) then
    perform queuectl.refuse('env is to be an object of texts by names of variables');
  end if;
  -- From here on those that it waits for can't end without telling it.
  perform from queuectl.jobs j where j.id = any (needs || awaits) order by j.id for update;
  select n into other from unnest(needs || awaits) as n
  where not exists (select from queuectl.jobs j where j.id = n) limit 1;
  if other is not null then perform queuectl.refuse(format('there is no job "%s"', other)); end if;
  loop
    insert into queuectl.jobs as j (
      id, command, state, queue, priority, line, turn, since, run_at, created_at, sequence,
      max_retries, timeout, not_before, start_by, group_name, unique_key, cwd, env, after, after_any
    ) values (
      wanted, command, case when needs || awaits = '{}' then 'pending' else 'blocked' end,
      queue, priority,
      case
        when needs || awaits <> '{}' then null
        when due is not null then 'later'
        when exists (select from queuectl.queues q where q.name = queue) then 'gate'
        else 'open'
      end,
      case when needs || awaits = '{}' then greatest(due, now) end, now, due, now,
      nextval('queuectl.enqueue_order'),
      coalesce(max_retries, (
        select value::text::integer from queuectl.settings where key = 'max_retries'
      ), ${max_retries}),
      coalesce(timeout, (
        select value::text::float8 from queuectl.settings where key = 'job_timeout'
      ), ${job_timeout}),
      due, date_trunc('milliseconds', start_by), group_name, unique_key, cwd, env, needs, awaits
    ) on conflict do nothing;
    exit when found;
    continue when queuectl.cancel_expired(array[unique_key], now) > 0;
    select j.id into other from queuectl.jobs j
    where j.unique_key = unique_key and j.state not in ('completed', 'dead', 'cancelled');
    if other is not null then return other; end if;
    if exists (select from queuectl.jobs j where j.id = wanted) then
      perform queuectl.refuse(format('the id "%s" is taken', wanted));
    end if;
  end loop;
  if needs || awaits <> '{}' then
    insert into queuectl.dependencies (awaited_id, job_id, any_end)
    select n, wanted, n = any (awaits) from unnest(needs || awaits) as n;
    -- Those that have ended tell it as soon as a worker looks for what is to be told.
    update queuectl.jobs j
    set awaited = true, owes = owes or j.state in ('completed', 'dead', 'cancelled')
    where j.id = any (needs || awaits);
  end if;
  perform pg_notify(nspname || '_jobs', '') from pg_namespace
  where oid = (select relnamespace from pg_class where oid = 'queuectl.jobs'::regclass);
  return wanted;
end $$;

-- Lets a role enqueue jobs, here and on the command line, and look at all there is.
create or replace function queuectl.grant_enqueue(to_role name) returns void language plpgsql as $$
declare
  own name := (
    select nspname from pg_namespace
    where oid = (select relnamespace from pg_class where oid = 'queuectl.jobs'::regclass)
  );
begin
  execute format('grant usage on schema %I to %I', own, to_role);
  -- Everybody may call functions, unless that was taken from them.
  execute format('grant execute on all functions in schema %I to %I', own, to_role);
  execute format('grant select, insert on queuectl.jobs, queuectl.dependencies to %I', to_role);
  execute format('grant update (awaited, owes) on queuectl.jobs to %I', to_role);
  execute format('grant usage on queuectl.enqueue_order to %I', to_role);
  execute format('grant select on queuectl.version, queuectl.queues, queuectl.begins,
    queuectl.schedules, queuectl.schedule_changes, queuectl.attempts, queuectl.hosts,
    queuectl.workers, queuectl.requests, queuectl.settings, queuectl.outputs,
    queuectl.tallies to %I', to_role);
end $$;
`;
