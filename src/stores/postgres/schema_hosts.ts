// The tables of hosts, workers, requests, settings and output, as SQL of the first version of the
// schema. What becomes of rows is the matter of the files that use them.

export const HOST_TABLES = `
-- A host that has, or had, workers on this store: a machine, or a container. It is there for as
-- long as one of its workers may hold a job.
create table queuectl.hosts (
  id text primary key,
  name text not null,
  -- Whether a guard ends its jobs before its lease does; without one nobody takes them over.
  guarded boolean not null,
  -- Counts its signs of life. Others go by that it changes, and by their own clocks.
  beat bigint not null default 0,
  lease double precision not null,
  lease_until timestamptz not null,
  since timestamptz not null default clock_timestamp()
);

create table queuectl.workers (
  name text primary key,
  -- Null where its host was declared gone, whose name is in lost_with: its jobs are to be settled.
  host_id text references queuectl.hosts (id),
  lost_with text,
  pid integer not null default 0,
  started_at timestamptz,
  last_seen_at timestamptz,
  ready boolean not null default false
);
create index workers_of_host on queuectl.workers (host_id);

-- kind: graceful or force, of workers and supervisors, or cancel, of jobs.
create table queuectl.requests (
  kind text not null,
  name text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (kind, name)
);

-- What was set, and nothing else; version: of the transaction that has set it.
create table queuectl.settings (
  key text primary key,
  value jsonb not null,
  version bigint not null default pg_current_xact_id()::text::bigint
);

-- Counters that only grow: how attempts ended, and how long they took.
create table queuectl.tallies (
  name text primary key,
  tally jsonb not null
);

-- What attempts printed, in pieces: each from the byte number that it starts at.
create table queuectl.outputs (
  job_id text not null references queuectl.jobs (id) on delete cascade,
  attempt integer not null,
  start bigint not null,
  data bytea not null,
  primary key (job_id, attempt, start)
);
`;
