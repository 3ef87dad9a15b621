// What was said and not answered, since the connection ended: what was asked for may have been done,
// or not. Here it is found out, where it can be.
import { QueueError } from "../../queue/errors.ts";
import type { Claim, Job } from "../../queue/job.ts";

/** The connection ended after something was sent that may have changed something. */
export class UnknownOutcome extends Error {
  constructor(cause: unknown) {
    super("the connection has ended, and it is not known whether the change was made", { cause });
  }
}

type Get = (id: string) => Promise<Job | undefined>;

/**
 * Whether jobs were added although no answer came. @returns how many
 * @param jobs undefined where they can't be looked at again
 * @throws the error, if they were not, or that can't be found out
 */
export async function unlessAdded(
  error: unknown,
  jobs: readonly Job[] | undefined,
  get: Get,
): Promise<number> {
  if (!(error instanceof QueueError) || !(error.cause instanceof UnknownOutcome)) throw error;
  const found = async () => {
    for (const job of jobs ?? []) {
      const there = await get(job.id);
      if (there?.createdAt === job.createdAt && there.command === job.command) return true;
    }
    return false;
  };
  if (await found().catch(() => false)) return jobs!.length;
  throw new QueueError("unavailable", error.message, {
    hint: "Enqueuing it once more does no harm with the same --job-id or --unique",
    cause: error,
  });
}

/** Changes a claimed job, which can be said again: the answer to the first word may be lost. */
export class ClaimedChange {
  readonly #claim: Claim;
  readonly #get: Get;
  #isAgain: boolean;

  /** @param isAgain whether it was said already, without an answer */
  constructor(claim: Claim, get: Get, isAgain: boolean) {
    this.#claim = claim;
    this.#get = get;
    this.#isAgain = isAgain;
  }

  /** One try. @throws what `change` throws, unless it turns out to have been done */
  async try(id: string, change: () => Promise<Job>): Promise<Job> {
    try {
      return await change();
    } catch (error) {
      const is = (code: string) => error instanceof QueueError && error.code === code;
      const job = this.#isAgain && is("claim_lost") ? await this.#get(id) : undefined;
      if (job !== undefined && hasRecorded(job, this.#claim)) return job;
      this.#isAgain ||= is("unavailable");
      throw error;
    }
  }
}

function hasRecorded({ history }: Job, claim: Claim): boolean {
  return history.some(({ attempt, worker, startedAt }) =>
    attempt === claim.attempt && worker === claim.worker && startedAt === claim.startedAt
  );
}
