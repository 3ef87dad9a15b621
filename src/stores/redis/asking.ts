// What several parts ask of the server, where a batch may have to be put in its place first.
import type { Redis, Reply } from "./connection.ts";
import { decode, type Stored } from "./record.ts";
import { MOVE } from "./script_change.ts";
import { READ } from "./script_read.ts";

/** Calls a script that reads, until no batch is on its way to its place. */
export async function askScript(
  redis: Redis,
  script: string,
  args: readonly string[],
): Promise<Reply> {
  for (;;) {
    const reply = await redis.again(() => redis.run(script, args));
    if (reply === "batch") await moveAll(redis);
    else if (reply !== "again") return reply;
  }
}

/** Puts a published batch in its place, portion by portion. Any number of processes may do that. */
export async function moveAll(redis: Redis): Promise<void> {
  while (await redis.run(MOVE, []) === 1);
}

/** A job, and the end of it that others are still to be told. */
export interface Known extends Stored {
  readonly owes: string | undefined;
}

export interface KnownJobs {
  /** The time of the server. */
  readonly now: number;
  /** In the order of the ids; undefined where there is none. */
  readonly jobs: readonly (Known | undefined)[];
}

/** Jobs by their ids, at one moment; at most some thousands. */
export async function readJobs(redis: Redis, ids: readonly string[]): Promise<KnownJobs> {
  const [now, records, running, owes] = await askScript(redis, READ, ids) as [
    number,
    (string | null)[],
    (string | null)[],
    (string | null)[],
  ];
  const jobs = records.map((record, i) =>
    record === null ? undefined : { ...decode(record, running[i]), owes: owes[i] ?? undefined }
  );
  return { now, jobs };
}
