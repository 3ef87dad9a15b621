// Records how attempts ended. If the disk is full or the store can't be reached, it tries until it
// works, since nothing else may be done with a job before.
import { isPermanent, isUnavailable } from "../queue/errors.ts";
import { hookFor } from "../queue/hooks.ts";
import { type Claim, claimOf, type Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { Requests } from "../queue/requests.ts";
import type { Settings } from "../queue/settings.ts";
import type { Adds, JobStore } from "../queue/store.ts";
import { ended, type Transition } from "../queue/transitions.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";
import { delay } from "../system/delay.ts";
import type { JobsAtHand } from "./jobs_at_hand.ts";

/** Milliseconds between tries. */
const TRY_AGAIN = 1000;

export interface RecorderParts {
  readonly jobs: JobStore;
  readonly requests: Requests;
  readonly atHand: JobsAtHand;
  readonly settings: () => Promise<Settings>;
  readonly report: (event: WorkerEvent) => void;
  /** Told of each end that is on record: the job while it ran, and then. */
  readonly count?: (job: Job, after: Job) => void;
  /** Aborts when it must stop trying. */
  readonly force: AbortSignal;
}

export class Recorder {
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /**
   * Records the end of an attempt, and removes the request to cancel it, if there was one.
   *
   * @returns the job afterwards; undefined if it can't be recorded, because the job's file is
   *   damaged or removed
   */
  async record(job: Job, ending: Ending): Promise<Job | undefined> {
    const { atHand, requests } = this.#parts;
    const after = await this.#keepEnd(job, ending);
    if (after !== undefined) this.#parts.count?.(job, after);
    if (after !== undefined && atHand.wasCancelled(job.id)) {
      // If this fails, the request is cleared later, like any that came too late.
      await requests.clearCancel(job.id).catch(() => {});
    }
    return after;
  }

  async #keepEnd(job: Job, ending: Ending): Promise<Job | undefined> {
    const { jobs, atHand, settings, force } = this.#parts;
    const claim = claimOf(job);
    const since = atHand.endedAt(job.id) ?? performance.now();
    for (let isAgain = false;; isAgain = true) {
      try {
        const current = await settings();
        const { backoff_base: base, backoff_max: max } = current;
        // Where the store was away meanwhile, or slow to take the output, the attempt has not taken
        // longer for that.
        const transition: Transition = (job, now) =>
          ended(job, ending, { base, max }, now - Math.round(performance.now() - since));
        const hook: Adds = (after, now) => hookFor(after, current, now);
        return await jobs.change(job.id, transition, claim, hook);
      } catch (error) {
        // The shell's journal has the exit code too, so the next worker can record the end from it.
        if (!(error instanceof Error) || force.aborted) throw error;
        const what = `Cannot record the end of job "${job.id}"`;
        if (isUnavailable(error)) {
          // Nobody else is told of it here: see FallibleSteps.
        } else if (isPermanent(error)) {
          // An earlier try may have failed after it had written the end.
          const after = isAgain ? await jobs.get(job.id).catch(() => undefined) : undefined;
          if (after !== undefined && isRecorded(after, claim)) return after;
          this.#warn(`${what}: ${error.message}`);
          return undefined;
        } else if (!isAgain) {
          this.#warn(`${what}, trying until it works: ${error.message}`);
        }
        await delay(TRY_AGAIN);
      }
    }
  }

  #warn(message: string): void {
    this.#parts.report({ kind: "warning", message });
  }
}

/** Whether the attempt that was claimed has ended in `after`. */
function isRecorded(after: Job, claim: Claim): boolean {
  return after.history.some(({ attempt, worker }) =>
    attempt === claim.attempt && worker === claim.worker
  );
}
