// Jobs that go on although their worker has died. Another worker adopts them; if there is none, a
// command can end them.
import { adopt, UnseenError } from "../exec/adopt.ts";
import type { StopReason } from "../exec/run.ts";
import { QueueError } from "../queue/errors.ts";
import { hookFor } from "../queue/hooks.ts";
import { claimOf, type Job } from "../queue/job.ts";
import type { Settings } from "../queue/settings.ts";
import type { JobStore } from "../queue/store.ts";
import { counted, NOTHING, type Tallies } from "../queue/tally.ts";
import { ended, unclaimed } from "../queue/transitions.ts";
import { runOf } from "./job_runner.ts";
import { type OutputPlace, sendingOutput } from "./output.ts";
import type { Workers } from "../queue/workers.ts";

export interface EndOrphanParts {
  readonly jobs: JobStore;
  readonly workers: Workers;
  readonly settings: Settings;
  readonly tallies: Tallies;
  readonly host: OutputPlace & {
    /** The journal of a worker's shell. */
    journal(worker: string): string;
  };
}

/**
 * Ends the job of a dead worker. The worker's name is taken meanwhile, and left as it was for the
 * next worker. If the job has ended by itself, or had not begun, that is recorded.
 *
 * @returns false if the worker lives, another one has taken its place, or the job has ended
 *   meanwhile
 *
 * @throws QueueError `refused` if the job's processes can't be seen from here
 */
export async function endOrphan(
  job: Job,
  reason: StopReason,
  { jobs, workers, settings, tallies, host }: EndOrphanParts,
): Promise<boolean> {
  if (job.status.state !== "processing") return false;
  const { worker } = job.status.running;
  const lock = await workers.takeOver(worker);
  if (lock === undefined) return false;
  try {
    // Read again, since nobody else can change it now.
    const held = (await jobs.claimedBy(worker)).find(({ id }) => id === job.id);
    if (held?.status.state !== "processing") return false;
    const run = runOf(held, worker, settings, host.log);
    const stop = AbortSignal.abort(reason);
    const ending = await sendingOutput(
      host,
      run,
      stop,
      () => adopt(host.journal(worker), run, stop),
    );
    const backoff = { base: settings.backoff_base, max: settings.backoff_max };
    const after = await jobs.change(
      job.id,
      ending === "not_begun" ? unclaimed : (job, now) => ended(job, ending, backoff, now),
      claimOf(held),
      (after, now) => hookFor(after, settings, now),
    );
    // Counters are no reason to say that it failed.
    if (ending !== "not_begun") {
      await tallies.add(worker, counted(NOTHING, held, after)).catch(() => {});
    }
    return true;
  } catch (error) {
    if (!(error instanceof UnseenError)) throw error;
    throw new QueueError("refused", `Cannot end job "${job.id}": ${error.message}`);
  } finally {
    await lock.abandon();
  }
}
