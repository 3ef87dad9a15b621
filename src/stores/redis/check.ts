// Looks for what can't be as it should be. Scripts keep it whole; people and other programs may have
// changed it, and a server that has lost its last moments keeps each step whole or not at all.
import { type Job, lastAttempt } from "../../queue/job.ts";
import type { CheckOptions, Finding } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import { parseConfig } from "../../queue/settings.ts";
import { type Note, noteErrors, notesTo } from "../shared/notes.ts";
import { settleLost } from "../shared/settle_lost.ts";
import { Commit } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { entriesOf, type Entry } from "./entries.ts";
import { RedisJobs } from "./jobs.ts";
import { checkLeftovers } from "./leftovers.ts";
import { lostPlaces } from "./places.ts";
import { RedisQueues } from "./queues.ts";
import { decode, type Stored } from "./record.ts";
import { scan } from "./scanning.ts";
import { allSchedules } from "./schedules.ts";
import { PLACED } from "./script_rest.ts";
import { RedisSettings } from "./settings.ts";

/** Sets whose members end in the id of a job. */
const INDEXES = ["ids", "arrivals", "states", "groups", "active", "ready", "later"];

export async function check(
  redis: Redis,
  { repair }: CheckOptions,
  progress: Progress,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const note = notesTo(findings);
  await checkJobs(redis, repair, progress, note);
  await checkIndexes(redis, repair, note);
  await noteErrors("settings", note, async () => {
    parseConfig(JSON.stringify(await new RedisSettings(redis).setValues()));
  });
  await noteErrors("schedules", note, async () => void await allSchedules(redis));
  await noteErrors("queues", note, async () => void await new RedisQueues(redis).settings());
  await checkLost(redis, repair, note);
  await checkLeftovers(redis, repair, note);
  return findings;
}

/** Each record can be read, and its job is in all its places. */
async function checkJobs(
  redis: Redis,
  repair: boolean,
  progress: Progress,
  note: Note,
): Promise<void> {
  const count = await redis.read("HLEN", "jobs") as number;
  let done = 0;
  const checkOne = async (id: string, record: string) => {
    progress(Math.min(done++, count), count);
    await noteErrors(`jobs/${id}`, note, async () => {
      decode(record);
      const missing = await misplaced(redis, id);
      if (missing === undefined) return;
      if (repair) await putRight(redis, missing);
      const places = missing.entries.map(({ key }) => key).join(", ");
      note(`jobs/${id}`, `is not in its place in ${places}`, repair ? "put there" : null);
    });
  };
  // A portion of them is asked about at once: else each would wait for the way there and back.
  for await (const flat of scan(redis, "HSCAN", "jobs")) {
    const checks = flat.flatMap((id, i) => i % 2 === 0 ? [checkOne(id, flat[i + 1]!)] : []);
    await Promise.all(checks);
  }
}

interface Misplaced {
  readonly stored: Stored;
  readonly entries: readonly Entry[];
}

/** Where a job is missing, by one look; undefined if it is gone, or everywhere it should be. */
async function misplaced(redis: Redis, id: string): Promise<Misplaced | undefined> {
  for (;;) {
    const stored = await storedOf(redis, id);
    if (stored === undefined) return undefined;
    const expected = entriesOf(stored.job);
    const args = [id, stored.record, stored.running ?? ""];
    for (const { key, member } of expected) args.push(key, member);
    const found = await redis.again(() => redis.run(PLACED, args)) as number[] | "changed";
    if (found === "changed") continue;
    const entries = expected.filter((_, i) => found[i] === 0);
    return entries.length === 0 ? undefined : { stored, entries };
  }
}

async function storedOf(redis: Redis, id: string): Promise<Stored | undefined> {
  const [record, running] = await Promise.all([
    redis.read("HGET", "jobs", id),
    redis.read("HGET", "running", id),
  ]) as (string | null)[];
  return record === null ? undefined : decode(record!, running);
}

async function putRight(redis: Redis, { stored, entries }: Misplaced): Promise<void> {
  const commit = new Commit().sameJob(stored);
  for (const { key, score, member } of entries) commit.step("+", key, String(score), member);
  await commit.run(redis);
}

/** No place names a job that is not there. */
async function checkIndexes(redis: Redis, repair: boolean, note: Note): Promise<void> {
  for (const key of INDEXES) {
    for await (const flat of scan(redis, "ZSCAN", key)) {
      const members = flat.filter((_, i) => i % 2 === 0);
      if (members.length === 0) continue;
      const ids = members.map((member) => member.split("/").at(-1)!);
      const records = await redis.read("HMGET", "jobs", ...ids) as (string | null)[];
      for (const [i, record] of records.entries()) {
        if (record !== null) continue;
        const commit = new Commit().absent("jobs", ids[i]!).step("-", key, members[i]!);
        if (repair) await commit.run(redis);
        note(`${key}/${ids[i]}`, "names a job that is not there", repair ? "removed" : null);
      }
    }
  }
}

/** Each job that runs has a worker that has its place. */
async function checkLost(redis: Redis, repair: boolean, note: Note): Promise<void> {
  const places = lostPlaces(redis);
  const jobs = new RedisJobs(redis);
  const lost: Job[] = [];
  for (const { name } of await places.list()) lost.push(...await jobs.claimedBy(name));
  if (lost.length > 0 && repair) {
    const settings = new RedisSettings(redis);
    await settleLost(places, jobs, () => settings.load());
  }
  for (const job of lost) {
    note(
      `jobs/${job.id}`,
      `is said to run (attempt ${lastAttempt(job) + 1}), and no worker has it`,
      repair ? "recorded as lost" : null,
    );
  }
}
