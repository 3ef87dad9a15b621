// What every job goes through: its claim, and the end of its run. Each is one statement, and the end
// of one job claims the next.
import { QueueError } from "../../queue/errors.ts";
import { type Claim, claimOf, isClaimOn, isWaiting, type Job } from "../../queue/job.ts";
import { expired } from "../../queue/start_by.ts";
import type { Adds, Claimant } from "../../queue/store.ts";
import { type Transition, unclaimed } from "../../queue/transitions.ts";
import { afterMilliseconds } from "../../system/delay.ts";
import { type Database, timestamp } from "./connection.ts";
import { codeOf } from "./errors.ts";
import type { IdleTime } from "./idle_time.ts";
import { endOf, jobOf, type Row } from "./row.ts";
import { PLACE_LOST } from "./schema_claim.ts";
import type { Wake } from "./wake.ts";

export interface ClaimsOptions {
  /** The time of the store, in place of that of the database: for tests. */
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
}

interface ClaimsParts extends ClaimsOptions {
  readonly database: Database;
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
  #lastClaim: readonly unknown[] | undefined;
  #ahead: { job: Job; stop: () => void; epoch: string | undefined } | undefined;
  /** Why it is not known whether a job was claimed ahead. */
  #unknown: unknown;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  /** As `JobStore.claim`. */
  async claim(
    by: Claimant,
    now: number,
    queues?: readonly string[],
  ): Promise<Job | undefined> {
    const { host, now: clock } = this.#parts;
    const epoch = this.#epoch();
    if (epoch === undefined) return undefined;
    // The host was taken for gone meanwhile, and the job may run elsewhere by now.
    if (this.#ahead !== undefined && this.#ahead.epoch !== epoch) await this.giveBack();
    const isIdle = host !== undefined && this.#ahead === undefined;
    if (isIdle && this.#parts.idle.known !== undefined) return undefined;
    this.#parts.wake.look();
    const asOf = this.#parts.idle.now;
    const at = clock === undefined ? null : timestamp(now);
    const values = [by.worker, by.pid, by.host, at, queues ?? null, host ?? null];
    const unknown = this.#unknown;
    this.#unknown = undefined;
    // It may have claimed a job: whoever claims looks for such after an error.
    if (unknown !== undefined) throw unknown;
    if (isSame(values, this.#lastClaim)) {
      const ahead = this.#takeAhead();
      if (ahead !== undefined) return ahead;
    } else await this.giveBack();
    this.#lastClaim = values;
    for (;;) {
      const [row] = await this.#parts.database.query<Row>(CLAIM, values).catch(placeLost);
      if (row === undefined) {
        this.#parts.idle.empty(asOf);
        return undefined;
      }
      const job = jobOf(row);
      if (job.status.state === "processing") {
        this.#hold(row, job);
        return job;
      }
      await this.#parts.change(job.id, expired).catch((error) => {
        if (!(error instanceof QueueError) || error.code === "unavailable") throw error;
      });
    }
  }

  /**
   * The change of a job that this process has claimed: one statement, which does nothing if the job
   * is no longer as it was.
   * @returns undefined if it has to be done the other way; likewise if there was no answer
   */
  async end(
    id: string,
    transition: Transition,
    claim: Claim,
    adds?: Adds,
  ): Promise<Job | "unanswered" | undefined> {
    const held = this.#held.get(id);
    this.#held.delete(id);
    if (held === undefined || !isClaimOn(held.job, claim)) return undefined;
    const now = this.#parts.now?.() ??
      Math.round(claim.startedAt + performance.now() - held.at);
    const after = transition(held.job, now);
    if (after instanceof QueueError || adds?.(after, now) !== undefined) return undefined;
    const values = endOf(held.job, after);
    if (values === undefined) return undefined;
    const { worker, pid, attempt, startedAt } = claim;
    const finish = [id, worker, pid, attempt, timestamp(startedAt), ...values];
    try {
      const gated = await this.#finish(finish);
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
  async #finish(values: readonly unknown[]): Promise<boolean | null> {
    const epoch = this.#epoch();
    const mayClaim = this.#parts.ahead === true && epoch !== undefined;
    const claim = mayClaim ? this.#lastClaim : undefined;
    if (claim === undefined) {
      const [row] = await this.#parts.database.query<{ gated: boolean | null }>(
        `select ${FINISH} as gated`,
        values,
      );
      return row!.gated;
    }
    this.#parts.wake.look();
    let row: Row & { gated: boolean | null } | undefined;
    try {
      [row] = await this.#parts.database.query(FINISH_AND_CLAIM, [...values, ...claim]);
    } catch (error) {
      this.#lastClaim = undefined;
      // Without its place a worker may still say how a job ended.
      if (codeOf(error) === PLACE_LOST) return null;
      this.#unknown = error;
      throw error;
    }
    if (row!.id !== null) this.#keepAhead(row!, epoch);
    return row!.gated;
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

  #hold(row: Row, job: Job): void {
    if (!row.awaited) this.#held.set(job.id, { job, at: performance.now() });
  }

  /** One that has not begun in time is left to the next claim. */
  #keepAhead(row: Row, epoch: string | undefined): void {
    const job = jobOf(row);
    if (job.status.state !== "processing") return;
    this.#hold(row, job);
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

const CLAIM = "select * from queuectl.claim($1, $2, $3, $4, $5, $6)";
const FINISH = "queuectl.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const FINISH_AND_CLAIM = `select end_of.gated, next.* from ${FINISH} as end_of(gated)
  left join lateral queuectl.claim($14, $15, $16, $17, $18, $19) as next
  on end_of.gated is not null`;

function placeLost(error: unknown): never {
  if (codeOf(error) !== PLACE_LOST) throw error;
  throw new QueueError("claim_lost", (error as Error).message);
}

/** Whether two claims ask for the same. */
function isSame(one: readonly unknown[], other: readonly unknown[] | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
