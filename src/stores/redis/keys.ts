// All keys of a queue, without the prefix that each of them has. There is no key for each job, so that a
// restore can put a whole queue in the place of another; only output has keys of its own.
//
// Sorted sets, whose members begin with what one looks for:
//   ids                  id
//   arrivals             time, sequence / id
//   states               state / arrival                     of jobs that have ended
//   groups               group / arrival
//   active               queue / state / arrival             of jobs that have not ended
//   ready                queue / priority, turn, arrival     of jobs that may be claimed
//   heads                the first of `ready` of each queue that is not paused, and its name
//   waits                id of one that is waited for / whether any end will do / id of one that waits
//   outputs              id / attempt
//   later                as `ready`, by the time at which they fall due
//   expiring             id, by the time until which it has to begin
//   ended:completed …    id, by the time of its end
// Hashes:
//   jobs, running        id -> record, id -> claim: see record.ts
//   head_of              queue -> its member in `heads`
//   keys                 unique key -> id of the job that has it
//   owes                 id of one that has ended -> its fate, which is still to be told
//   queues               queue -> what is set of it
//   settings, schedules, tallies, requests, hosts, places, workers, seen, lost, versions
//   batch, staged, staged_keys, and the list `pile`: see batch.ts
// Lists: begins:QUEUE. Texts: version, out:GENERATION:ID/ATTEMPT. Channels: talk:TOPIC.

const SORTED_SETS = [
  "ids",
  "arrivals",
  "states",
  "groups",
  "active",
  "ready",
  "heads",
  "waits",
  "outputs",
  "later",
  "expiring",
  "ended:completed",
  "ended:dead",
  "ended:cancelled",
] as const;

/** Hashes that are part of the queue itself. */
const QUEUE_HASHES = [
  "jobs",
  "running",
  "head_of",
  "keys",
  "owes",
  "queues",
  "settings",
  "schedules",
] as const;

/** What each of them is; the lists and texts of single queues and jobs are left out. */
export const KEY_TYPES = {
  zset: SORTED_SETS,
  hash: [
    ...QUEUE_HASHES,
    "tallies",
    "requests",
    "hosts",
    "places",
    "workers",
    "seen",
    "lost",
    "versions",
    "batch",
    "staged",
    "staged_keys",
  ],
  list: ["pile"],
  string: ["version"],
} as const;

/** What a restore replaces; in `versions` is counted on. */
export const REPLACED = [...SORTED_SETS, ...QUEUE_HASHES] as const;
