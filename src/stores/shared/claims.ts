// What every job goes through: its claim, and the end of its run. Each is one step of the store, and
// the end of one job claims the next.
import { QueueError } from "../../queue/errors.ts";
import { type Claim, claimOf, isClaimOn, isWaiting, type Job } from "../../queue/job.ts";
import { expired } from "../../queue/start_by.ts";
import type { Adds, Claimant } from "../../queue/store.ts";
import { type Transition, unclaimed } from "../../queue/transitions.ts";
import { afterMilliseconds } from "../../system/delay.ts";
import type { IdleTime } from "./idle_time.ts";
import type { LastPiece, LastPieces } from "./last_pieces.ts";
import type { Lookout } from "./lookout.ts";
import type { Wake } from "./wake.ts";

export interface ClaimsOptions {
  /** The time of the store, in place of that of the server: for tests. */
  readonly now?: () => number;
  /**
   * Of workers: the id of the host that they are on. Claims are refused to one that has lost its
   * place there, and what may be asked seldom is asked seldom.
   */
  readonly host?: string;
  /** The lease that this host has now; undefined if it was not renewed lately: nothing may begin. */
  readonly epoch?: () => string | undefined;
  /**
   * Whether the end of a job claims the next one in the same step. For whoever asks for the next at
   * once: if not, it is given back after a moment.
   */
  readonly ahead?: boolean;
  /** Of workers: says which of them look for work. */
  readonly lookout?: Lookout | undefined;
  /** What goes together with the ends of jobs. */
  readonly lastPieces?: LastPieces;
}

/** What is asked for by a claim. */
export interface Asked {
  readonly by: Claimant;
  /** The time, where it is not that of the server. */
  readonly at: number | undefined;
  readonly queues: readonly string[] | undefined;
  /** The host on which the worker must have its place. */
  readonly host: string | undefined;
}

/** A job as a claim found it. One that has not begun in time is there as it is. */
export interface Found {
  readonly job: Job;
  /** Whether its end has to be told to others, so that it is not for `finish`. */
  readonly awaited: boolean;
}

/** What a worker's step throws that has lost its place. */
export class PlaceLost extends QueueError {
  constructor(message: string) {
    super("claim_lost", message);
  }
}

/** The steps, each of them atomic. */
export interface ClaimSteps {
  /** @throws PlaceLost */
  claim(asked: Asked): Promise<Found | undefined>;
  /**
   * How to end a job, if nothing else depends on it; undefined if it has to be done the other way.
   * What is returned ends it, and claims the next if that is wanted. It returns whether a queue with
   * settings has room now, and null if nothing was done, since the job is not as it was.
   */
  finish(before: Job, after: Job, claim: Claim): Finish | undefined;
}

/** @param output the last of what the attempt has printed */
type Finish = (
  output: LastPiece | undefined,
  next: Asked | undefined,
) => Promise<{ gated: boolean | null; next?: Found | undefined }>;

interface ClaimsParts extends ClaimsOptions {
  readonly steps: ClaimSteps;
  readonly wake: Wake;
  readonly idle: IdleTime;
  /** As `JobStore.change`. */
  readonly change: (id: string, transition: Transition, claim?: Claim) => Promise<Job>;
}

/** Milliseconds for which a job that was claimed ahead waits for its claim. */
const AHEAD = 500;

/** A job that this process has claimed, as it was then, and when that was by its own clock. */
interface Held {
  readonly job: Job;
  readonly at: number;
}

export class Claims {
  readonly #parts: ClaimsParts;
  readonly #held = new Map<string, Held>();
  /** What was said at the last claim, and the job that was claimed ahead of the next one. */
  #lastClaim: Asked | undefined;
  #ahead: { job: Job; stop: () => void; epoch: string | undefined } | undefined;
  /** Why it is not known whether a job was claimed ahead. */
  #unknown: unknown;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  /** As `JobStore.claim`. */
  async claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined> {
    const { lookout } = this.#parts;
    lookout?.getUp();
    if (lookout?.isResting) return undefined;
    const job = await this.#claim(by, now, queues);
    if (job !== undefined) lookout?.found();
    return job;
  }

  async #claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined> {
    const { host, now: clock, lookout } = this.#parts;
    const epoch = this.#epoch();
    if (epoch === undefined) return undefined;
    // The host was taken for gone meanwhile, and the job may run elsewhere by now.
    if (this.#ahead !== undefined && this.#ahead.epoch !== epoch) await this.giveBack();
    const isIdle = host !== undefined && this.#ahead === undefined;
    if (isIdle && this.#parts.idle.known !== undefined) return undefined;
    this.#parts.wake.look();
    const asOf = this.#parts.idle.now;
    const asked: Asked = { by, at: clock === undefined ? undefined : now, queues, host };
    const unknown = this.#unknown;
    this.#unknown = undefined;
    // It may have claimed a job: whoever claims looks for such after an error.
    if (unknown !== undefined) throw unknown;
    if (isSame(asked, this.#lastClaim)) {
      const ahead = this.#takeAhead();
      if (ahead !== undefined) return ahead;
    } else await this.giveBack();
    this.#lastClaim = asked;
    for (;;) {
      const found = await this.#parts.steps.claim(asked);
      if (found === undefined) {
        this.#parts.idle.empty(asOf);
        lookout?.nothing(queues);
        return undefined;
      }
      const { job } = found;
      if (job.status.state === "processing") {
        this.#hold(found);
        return job;
      }
      await this.#parts.change(job.id, expired).catch((error) => {
        if (!(error instanceof QueueError) || error.code === "unavailable") throw error;
      });
    }
  }

  /**
   * The change of a job that this process has claimed: one step, which does nothing if the job is
   * no longer as it was. The output goes first in any case.
   * @returns undefined if it has to be done the other way; likewise if there was no answer
   */
  async end(
    id: string,
    transition: Transition,
    claim: Claim,
    adds?: Adds,
  ): Promise<Job | "unanswered" | undefined> {
    const { lastPieces } = this.#parts;
    const output = lastPieces?.of(id);
    const after = await this.#end(id, transition, claim, adds, output);
    if (after instanceof Object) output?.isThere();
    else await output?.send();
    lastPieces?.forget(id);
    return after;
  }

  async #end(
    id: string,
    transition: Transition,
    claim: Claim,
    adds: Adds | undefined,
    output: LastPiece | undefined,
  ): Promise<Job | "unanswered" | undefined> {
    const held = this.#held.get(id);
    this.#held.delete(id);
    if (held === undefined || !isClaimOn(held.job, claim)) return undefined;
    const now = this.#parts.now?.() ??
      Math.round(claim.startedAt + performance.now() - held.at);
    const after = transition(held.job, now);
    if (after instanceof QueueError || adds?.(after, now) !== undefined) return undefined;
    const finish = this.#parts.steps.finish(held.job, after, claim);
    if (finish === undefined) return undefined;
    try {
      const gated = await this.#finish(finish, output);
      if (gated === null) return undefined;
      if (gated || isWaiting(after.status)) await this.#parts.wake.others();
      return after;
    } catch (error) {
      if (error instanceof QueueError && error.code === "unavailable") return "unanswered";
      throw error;
    }
  }

  /**
   * Ends a job, and claims the next in the same step if that is wanted.
   * @returns whether its queue has settings; null if nothing was done
   */
  async #finish(finish: Finish, output: LastPiece | undefined): Promise<boolean | null> {
    const epoch = this.#epoch();
    const mayClaim = this.#parts.ahead === true && epoch !== undefined;
    const asked = mayClaim ? this.#lastClaim : undefined;
    if (asked === undefined) return (await finish(output, undefined)).gated;
    this.#parts.wake.look();
    try {
      const { gated, next } = await finish(output, asked);
      if (next !== undefined) this.#keepAhead(next, epoch);
      return gated;
    } catch (error) {
      this.#lastClaim = undefined;
      // Without its place a worker may still say how a job ended.
      if (error instanceof PlaceLost) return null;
      // A server that is full has said no to all of it.
      if (!(error instanceof QueueError) || error.code !== "io") this.#unknown = error;
      throw error;
    }
  }

  /** Gives back what was claimed ahead, if there is such a job. */
  async giveBack(): Promise<void> {
    const job = this.#takeAhead();
    if (job === undefined) return;
    this.#lastClaim = undefined;
    await this.#parts.change(job.id, unclaimed, claimOf(job)).catch((error) => {
      if (!(error instanceof QueueError) || error.code !== "claim_lost") throw error;
    });
  }

  /** Where there are no leases, one that never ends. */
  #epoch(): string | undefined {
    const { epoch } = this.#parts;
    return epoch === undefined ? "" : epoch();
  }

  #hold({ job, awaited }: Found): void {
    if (awaited) return;
    this.#held.set(job.id, { job, at: performance.now() });
    this.#parts.lastPieces?.expect(job.id, claimOf(job).attempt);
  }

  /** One that has not begun in time is left to the next claim. */
  #keepAhead(found: Found, epoch: string | undefined): void {
    const { job } = found;
    if (job.status.state !== "processing") return;
    this.#hold(found);
    const stop = afterMilliseconds(AHEAD, () => void this.giveBack().catch(() => {}));
    this.#ahead = { job, stop, epoch };
  }

  #takeAhead(): Job | undefined {
    const { job, stop } = this.#ahead ?? {};
    this.#ahead = undefined;
    stop?.();
    return job;
  }
}

/** Whether two claims ask for the same. */
function isSame(one: Asked, other: Asked | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
