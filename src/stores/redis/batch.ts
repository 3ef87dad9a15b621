// Many new jobs at once: all or none, and the server is never busy with them for long. They are piled
// up first, portion by portion, where nobody sees them; then one short step publishes them, and from
// then on whoever asks for jobs puts the portions in their place before anything else. There is one
// batch at a time: others wait. One whose process has died is dropped when it stands in the way.
import type { Job } from "../../queue/job.ts";
import { moveAll } from "./asking.ts";
import { Commit, isFailed } from "./commit.ts";
import {
  addPortion,
  batchOver,
  clientIdOf,
  dropBatch,
  Gone,
  heldKey,
  type Left,
  type NewJobsParts,
  PORTION,
} from "./new_jobs.ts";
import { unavailable } from "./errors.ts";
import { portionsOf } from "../shared/portions.ts";

/**
 * Adds all jobs but those whose key is taken. @returns how many
 * @throws QueueError `duplicate_id`
 */
export async function addAll(
  parts: NewJobsParts,
  jobs: Iterable<Job>,
  left: Left,
): Promise<number> {
  let first: Job[] | undefined;
  let batch: Batch | undefined;
  let added = 0;
  try {
    for (const portion of portionsOf(jobs, PORTION)) {
      if (first === undefined) {
        first = portion;
        continue;
      }
      if (batch === undefined) {
        batch = await Batch.begin(parts);
        added += await batch.pile(first, left);
      }
      added += await batch.pile(portion, left);
    }
    if (batch === undefined) return first ? await addPortion(parts, first, left) : 0;
    await batch.publish();
    return added;
  } catch (error) {
    await batch?.drop().catch(() => {});
    throw error instanceof Gone ? unavailable(parts.redis.name, error) : error;
  }
}

class Batch {
  readonly #parts: NewJobsParts;
  readonly #owner = crypto.randomUUID();

  private constructor(parts: NewJobsParts) {
    this.#parts = parts;
  }

  static async begin(parts: NewJobsParts): Promise<Batch> {
    const batch = new Batch(parts);
    const client = await clientIdOf(parts.redis);
    for (;;) {
      const commit = new Commit().absent("batch", "owner").set("batch", "owner", batch.#owner)
        .set("batch", "client", client).set("batch", "state", "staging").step("now", "batch", "at");
      if (!isFailed(await commit.run(parts.redis))) return batch;
      await batchOver(parts.redis);
    }
  }

  async pile(jobs: readonly Job[], left: Left): Promise<number> {
    return await addPortion(this.#parts, jobs, left, (wanted, commit) => {
      commit.same("batch", "owner", this.#owner).step("now", "batch", "at");
      const steps = new Commit();
      for (const job of wanted) {
        commit.set("staged", job.id, "");
        const key = heldKey(job);
        if (key !== null) commit.set("staged_keys", key, job.id);
        steps.put(job);
      }
      if (wanted.length > 0) commit.step("push", "pile", JSON.stringify(steps.steps));
    });
  }

  /** From here on they are there. */
  async publish(): Promise<void> {
    const { redis, undone } = this.#parts;
    const commit = new Commit().same("batch", "owner", this.#owner)
      .set("batch", "state", "published");
    if (isFailed(await commit.run(redis))) throw new Gone("the batch is gone");
    // Others do it if this process dies, or the server is away.
    await redis.again(() => moveAll(redis)).catch(() => {});
    await undone.tellAll().catch(() => {});
  }

  async drop(): Promise<void> {
    await dropBatch(this.#parts.redis, this.#owner);
  }
}
