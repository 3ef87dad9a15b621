// What a restore that was killed has left in the memory of the server: jobs and output that were built
// beside the queue, and output of the queue that was replaced.
import type { Note } from "../shared/notes.ts";
import type { Redis } from "./connection.ts";
import { generationOf } from "./outputs.ts";
import { keysOf, removeAll } from "./scanning.ts";
import { IDLE } from "./script_rest.ts";

/** Seconds for which a restore that goes on does not leave all its keys alone. */
const LEFT_ALONE = 600;
/** Keys that are asked about at once. */
const PORTION = 1000;

/** Finds keys that belong to no queue. Those of a restore that may still go on are left alone. */
export async function checkLeftovers(redis: Redis, repair: boolean, note: Note): Promise<void> {
  const byGeneration = new Map<string, string[]>();
  for (const beginning of ["restore-", "out:"]) {
    for await (const keys of keysOf(redis, beginning)) {
      for (const key of keys) {
        const generation = key.slice(beginning.length).split(":", 1)[0]!;
        const own = byGeneration.get(generation) ?? [];
        byGeneration.set(generation, own);
        own.push(key);
      }
    }
  }
  const current = await generationOf(redis);
  for (const [generation, keys] of byGeneration) {
    if (generation === current || await idleTime(redis, keys) < LEFT_ALONE) continue;
    if (repair) {
      await removeAll(redis, `restore-${generation}:`);
      await removeAll(redis, `out:${generation}:`);
    }
    note(
      `restore-${generation}`,
      "was left by a restore that was killed",
      repair ? "removed" : null,
    );
  }
}

/** For how many seconds nobody has used any of these keys. */
async function idleTime(redis: Redis, keys: readonly string[]): Promise<number> {
  let least = Infinity;
  for (let at = 0; at < keys.length; at += PORTION) {
    const portion = keys.slice(at, at + PORTION);
    least = Math.min(least, await redis.again(() => redis.run(IDLE, portion)) as number);
  }
  return least;
}
