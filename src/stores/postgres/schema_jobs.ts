// The tables of jobs, queues and schedules, as the first migration makes them. The functions that
// claim and that enqueue from SQL are in schema_claim.ts and schema_enqueue.ts.

/**
 * `line`: where a job that waits stands. `open`: its turn comes when it comes; `gate`: likewise, if
 * its queue lets it begin; `later`: it waits for `run_at`, and is moved by the first claim after
 * that time. Where a row says `open` although its queue has settings, or the other way round, it
 * costs time and no more: a claim looks at the settings.
 */
export const JOB_TABLES = `
create table queuectl.jobs (
  id text collate "C" primary key,
  command text not null,
  state text not null,
  queue text collate "C" not null,
  priority integer not null,
  line text,
  -- Of a job that waits: the time by which it takes its turn.
  turn timestamptz,
  -- When it came into this state; of one that runs, and of its run_at: before it was claimed.
  since timestamptz not null,
  run_at timestamptz,
  created_at timestamptz not null,
  sequence integer not null,
  -- How many attempts have begun; the one that runs is the last of them.
  attempts integer not null default 0,
  worker text,
  host text,
  pid bigint,
  started_at timestamptz,
  -- What a running one was before.
  before_state text,
  -- Whether others may wait for it, and whether some have not been told yet that it has ended.
  awaited boolean not null default false,
  owes boolean not null default false,
  counted_from integer not null default 0,
  max_retries integer not null,
  timeout double precision not null,
  not_before timestamptz,
  start_by timestamptz,
  group_name text collate "C",
  unique_key text collate "C",
  schedule text,
  cwd text not null,
  env jsonb not null default '{}',
  after text[] not null default '{}',
  after_any text[] not null default '{}',
  -- Of those that it waits for: which count already.
  met text[] not null default '{}',
  reason text,
  history jsonb not null default '[]'
);

-- Rows come and go at the head of the line: what is dead there is read by every claim.
alter table queuectl.jobs
  set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create index jobs_open on queuectl.jobs (priority desc, turn, created_at, sequence, id)
  where line = 'open';
create index jobs_ready on queuectl.jobs (queue, priority desc, turn, created_at, sequence, id)
  where line <> 'later';
create index jobs_later on queuectl.jobs (run_at) where line = 'later';
create index jobs_running on queuectl.jobs (queue, worker) where state = 'processing';
create index jobs_retrying on queuectl.jobs (queue) where state = 'failed';
create index jobs_state on queuectl.jobs (state, since);
create index jobs_created on queuectl.jobs (created_at desc, sequence desc, id desc);
create index jobs_expiring on queuectl.jobs (start_by)
  where start_by is not null and state in ('pending', 'blocked');
create index jobs_group on queuectl.jobs (group_name) where group_name is not null;
create index jobs_owing on queuectl.jobs (id) where owes;
create unique index jobs_unique_key on queuectl.jobs (unique_key)
  where unique_key is not null and state not in ('completed', 'dead', 'cancelled');

-- What blocked jobs still wait for.
create table queuectl.dependencies (
  awaited_id text collate "C" not null,
  job_id text collate "C" not null references queuectl.jobs on delete cascade,
  any_end boolean not null,
  primary key (awaited_id, job_id)
);
create index dependencies_job on queuectl.dependencies (job_id);

-- A queue of which something is set, or was.
create table queuectl.queues (
  name text collate "C" primary key,
  max_running integer,
  rate_count integer,
  rate_seconds double precision,
  paused boolean not null default false,
  -- Whether the rows of its waiting jobs have their line by now.
  swept boolean not null default false
);

-- When jobs of a queue with a rate began, counted from 1.
create table queuectl.begins (
  queue text collate "C" not null,
  n bigint not null,
  at timestamptz not null,
  primary key (queue, n)
);

create table queuectl.schedules (
  name text collate "C" primary key,
  -- What was asked for, and what has become of it, as in JSON.
  schedule jsonb not null,
  state jsonb not null
);
create table queuectl.schedule_changes (version bigint not null);
insert into queuectl.schedule_changes values (0);

-- Every attempt, for those who ask in SQL.
create view queuectl.attempts as
  select j.id as job_id, a.*
  from queuectl.jobs j, jsonb_to_recordset(j.history) as a(
    attempt integer, worker text, host text, pid bigint, started_at timestamptz,
    ended_at timestamptz, outcome text, exit_code integer, signal text, error text
  );
`;

/** For lists of ended jobs behind many newer ones that have not ended. */
export const ENDED_INDEX = `
create index jobs_ended on queuectl.jobs (state, created_at desc, sequence desc, id desc)
  where state in ('completed', 'dead', 'cancelled');
`;

/** Where there is a publication for all tables, those without a key could not be changed. */
export const ROW_IDENTITIES = `
alter table queuectl.version replica identity full;
alter table queuectl.schedule_changes replica identity full;
`;
