// The store of jobs in PostgreSQL. A change is a transaction: the row is locked, the pure transition
// says what becomes of it, the row is written. The two steps that every job takes, claim and end,
// are one statement each.
import { isFinal } from "../../queue/dependencies.ts";
import { QueueError } from "../../queue/errors.ts";
import { type Claim, claimOf, isClaimOn, isWaiting, type Job } from "../../queue/job.ts";
import type { Adds, Claimant, JobStore } from "../../queue/store.ts";
import { expired, hasExpired } from "../../queue/start_by.ts";
import { type Transition, unclaimed } from "../../queue/transitions.ts";
import { keyTaken, needsKey } from "../../queue/unique.ts";
import { afterMilliseconds } from "../../system/delay.ts";
import { type Database, type Sql, timestamp } from "./connection.ts";
import { codeOf, Conflict, UnknownOutcome } from "./errors.ts";
import { IdleTime } from "./idle_time.ts";
import { holdersOf, insert, insertAll, type Left } from "./insert.ts";
import { sweepLines } from "./queues.ts";
import { PostgresReader } from "./reader.ts";
import { columnsOf, endOf, jobOf, type Row, UPDATE } from "./row.ts";
import { PLACE_LOST } from "./schema_claim.ts";
import { forgetAwaited, PORTION, settle } from "./settle.ts";
import { Wake } from "./wake.ts";

export interface JobsOptions {
  /** The time of the store, in place of that of the database: for tests. */
  readonly now?: () => number;
  /**
   * Of workers: the id of the host that they are on. Claims are refused to one that has lost its
   * place there, and what may be asked seldom is asked seldom.
   */
  readonly host?: string;
  /** Whether jobs may begin on this host now. */
  readonly mayBegin?: () => boolean;
  /**
   * Whether the end of a job claims the next one in the same step. For whoever asks for the next at
   * once: if not, it is given back after a moment.
   */
  readonly ahead?: boolean;
  /** Whether to be told of changes; else they are looked for. */
  readonly listens?: boolean;
}

/** Milliseconds for which a job that was claimed ahead waits for its claim. */
const AHEAD = 500;

/** Milliseconds between looks for what others have left undone, of a worker. */
const RECOVER_EVERY = 5_000;

/** A job that this process has claimed, as it was then, and when that was by its own clock. */
interface Held {
  readonly job: Job;
  readonly at: number;
}

export class PostgresJobs extends PostgresReader implements JobStore {
  readonly #options: JobsOptions;
  readonly #wake: Wake;
  readonly #idle: IdleTime;
  readonly #held = new Map<string, Held>();
  /** What was said at the last claim, and the job that was claimed ahead of the next one. */
  #lastClaim: readonly unknown[] | undefined;
  #ahead: { job: Job; stop: () => void } | undefined;
  /** Why it is not known whether a job was claimed ahead. */
  #unknown: unknown;
  #recoverAt = 0;

  constructor(database: Database, options: JobsOptions = {}) {
    super(database);
    this.#options = options;
    this.#wake = new Wake(database, "jobs", options.listens);
    this.#idle = new IdleTime(this.#wake);
  }

  async add(jobs: Iterable<Job>, taken: Left = () => {}): Promise<number> {
    const list = Array.isArray(jobs) ? jobs as Job[] : undefined;
    const left: [Job, string][] = [];
    const leave: Left = (job, holder) => void left.push([job, holder]);
    let someExpired = false;
    const expiry = { at: this.#at(), onExpired: () => void (someExpired = true) };
    const work = async (sql: Sql) => {
      left.length = 0;
      return await insertAll(sql, jobs, () => this.#now(sql), leave, expiry);
    };
    const isSimple = list?.length === 1 && list[0]!.status.state !== "blocked";
    const addNow = async () =>
      isSimple
        ? (await insert(this.database, list, leave, expiry)).length
        : await this.database.transaction(work, { once: list === undefined });
    const added = await addNow().catch((error) => this.#unlessAdded(error, list));
    if (someExpired) await this.#tellAllOwed().catch(unlessRefused);
    for (const [job, holder] of left) taken(job, holder);
    if (added > 0) await this.#wake.others();
    return added;
  }

  async claim(
    by: Claimant,
    now: number,
    queues?: readonly string[],
  ): Promise<Job | undefined> {
    const { host, now: clock, mayBegin } = this.#options;
    if (mayBegin?.() === false) return undefined;
    if (host !== undefined && this.#idle.known !== undefined) return undefined;
    this.#wake.look();
    const asOf = this.#idle.now;
    const at = clock === undefined ? null : timestamp(now);
    const values = [by.worker, by.pid, by.host, at, queues ?? null, host ?? null];
    const unknown = this.#unknown;
    this.#unknown = undefined;
    // It may have claimed a job: whoever claims looks for such after an error.
    if (unknown !== undefined) throw unknown;
    const ahead = this.#takeAhead();
    if (ahead !== undefined) {
      if (isSame(values, this.#lastClaim)) return ahead;
      await this.#giveBack(ahead);
    }
    this.#lastClaim = values;
    for (;;) {
      const [row] = await this.database.query<Row>(CLAIM, values).catch(placeLost);
      if (row === undefined) {
        this.#idle.empty(asOf);
        return undefined;
      }
      const job = jobOf(row);
      if (job.status.state === "processing") {
        this.#hold(row, job);
        return job;
      }
      await this.change(job.id, expired).catch((error) => {
        if (!(error instanceof QueueError) || error.code === "unavailable") throw error;
      });
    }
  }

  async change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    if (claim === undefined) return await this.#change(id, transition);
    const after = await this.#changeHeld(id, transition, claim, adds);
    if (after instanceof Object) return after;
    // How an attempt ended may be said twice: the answer to the first word may have been lost.
    let isAgain = after === "unanswered";
    return await this.database.again(async () => {
      try {
        return await this.#change(id, transition, claim, adds);
      } catch (error) {
        const is = (code: string) => error instanceof QueueError && error.code === code;
        const job = isAgain && is("claim_lost") ? await this.get(id) : undefined;
        if (job !== undefined && hasRecorded(job, claim)) return job;
        isAgain ||= is("unavailable");
        throw error;
      }
    });
  }

  async remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    const freed = await this.database.transaction(async (sql) => {
      const { row, now } = await this.#lock(sql, id);
      const job = jobOf(row);
      const refusal = unless(job);
      if (refusal !== undefined) throw refusal;
      mustNotRun(job);
      const told = row.awaited ? await settle(sql, new Map([[id, "removed"]]), now) : undefined;
      await sql.query("delete from queuectl.jobs where id = $1", [id]);
      return told?.freed ?? false;
    });
    if (freed) await this.#wake.others();
  }

  async nextDue(): Promise<number | undefined> {
    const known = this.#options.host === undefined ? undefined : this.#idle.known;
    if (known !== undefined) return known.due;
    const [row] = await this.database.read<{ due: number | null; now: number }>(
      "select queuectl.next_due($1) as due, queuectl.time() as now",
      [this.#at()],
    );
    const due = row!.due ?? undefined;
    this.#idle.begin(due, row!.now);
    return due;
  }

  async hasWork(queues?: readonly string[]): Promise<boolean> {
    const [row] = await this.database.read<{ found: boolean }>(
      "select queuectl.has_work($1, $2) as found",
      [this.#at(), queues ?? null],
    );
    return row?.found === true;
  }

  #hold(row: Row, job: Job): void {
    if (!row.awaited) this.#held.set(job.id, { job, at: performance.now() });
  }

  /** One that has not begun in time is left to the next claim. */
  #keepAhead(row: Row): void {
    const job = jobOf(row);
    if (job.status.state !== "processing") return;
    this.#hold(row, job);
    const stop = afterMilliseconds(AHEAD, () => void this.#giveAheadBack().catch(() => {}));
    this.#ahead = { job, stop };
  }

  #takeAhead(): Job | undefined {
    const { job, stop } = this.#ahead ?? {};
    this.#ahead = undefined;
    stop?.();
    return job;
  }

  async #giveAheadBack(): Promise<void> {
    const job = this.#takeAhead();
    if (job !== undefined) await this.#giveBack(job);
  }

  async #giveBack(job: Job): Promise<void> {
    this.#lastClaim = undefined;
    await this.change(job.id, unclaimed, claimOf(job)).catch((error) => {
      if (!(error instanceof QueueError) || error.code !== "claim_lost") throw error;
    });
  }

  override async claimedBy(worker: string): Promise<Job[]> {
    await this.#giveAheadBack();
    const jobs = await super.claimedBy(worker);
    const { host } = this.#options;
    if (host === undefined || jobs.length === 0) return jobs;
    const place = await this.database.read(
      "select from queuectl.workers where name = $1 and host_id = $2",
      [worker, host],
    );
    return place.length === 0 ? [] : jobs;
  }

  async waitForChange(timeout: number, signal?: AbortSignal): Promise<void> {
    await this.#wake.wait(timeout, signal);
  }

  async recover(): Promise<void> {
    if (this.#options.host !== undefined) {
      if (performance.now() < this.#recoverAt) return;
      this.#recoverAt = performance.now() + RECOVER_EVERY * (1 + Math.random());
    }
    await this.#tellAllOwed();
    while (await this.#callOffExpired());
    await sweepLines(this.database);
  }

  override async close(): Promise<void> {
    await this.#giveAheadBack().catch(() => {});
    await this.#wake.close();
  }

  /**
   * Whether jobs were added although no answer came. @returns how many
   * @throws the error, if they were not, or that can't be found out
   */
  async #unlessAdded(error: unknown, jobs: readonly Job[] | undefined): Promise<number> {
    if (!(error instanceof QueueError) || !(error.cause instanceof UnknownOutcome)) throw error;
    const found = async () => {
      for (const job of jobs ?? []) {
        const there = await this.get(job.id);
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

  /**
   * The change of a job that this process has claimed: one statement, which does nothing if the job
   * is no longer as it was.
   * @returns undefined if it has to be done the other way; likewise if there was no answer
   */
  async #changeHeld(
    id: string,
    transition: Transition,
    claim: Claim,
    adds?: Adds,
  ): Promise<Job | "unanswered" | undefined> {
    const held = this.#held.get(id);
    this.#held.delete(id);
    if (held === undefined || !isClaimOn(held.job, claim)) return undefined;
    const now = this.#options.now?.() ??
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
      if (gated || isWaiting(after.status)) await this.#wake.others();
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
    const { ahead, mayBegin } = this.#options;
    const claim = ahead === true && mayBegin?.() !== false ? this.#lastClaim : undefined;
    if (claim === undefined) {
      const [row] = await this.database.query<{ gated: boolean | null }>(
        `select ${FINISH} as gated`,
        values,
      );
      return row!.gated;
    }
    this.#wake.look();
    let row: Row & { gated: boolean | null } | undefined;
    try {
      [row] = await this.database.query(FINISH_AND_CLAIM, [...values, ...claim]);
    } catch (error) {
      this.#lastClaim = undefined;
      // Without its place a worker may still say how a job ended.
      if (codeOf(error) === PLACE_LOST) return null;
      this.#unknown = error;
      throw error;
    }
    if (row!.id !== null) this.#keepAhead(row!);
    return row!.gated;
  }

  async #change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    const { after, isLeft } = await this.database.transaction((sql) =>
      this.#changeIn(sql, id, transition, claim, adds)
    );
    if (isLeft) await this.#tellAllOwed();
    await this.#wake.others();
    return after;
  }

  /** The change, as a part of a transaction. */
  async #changeIn(
    sql: Sql,
    id: string,
    transition: Transition,
    claim?: Claim,
    adds?: Adds,
  ): Promise<{ after: Job; isLeft: boolean }> {
    const { row, now } = await this.#lock(sql, id);
    const job = jobOf(row);
    if (claim !== undefined && !isClaimOn(job, claim)) throw claimLost(id);
    const after = transition(job, now);
    if (after instanceof QueueError) throw after;
    if (claim === undefined) {
      mustNotRun(job);
      if (needsKey(job, after)) await mustBeFree(sql, job);
    }
    const added = claim === undefined ? undefined : adds?.(after, now);
    if (added !== undefined) await insert(sql, [added], () => {}, { mayBeThere: true });
    await sql.query(UPDATE, columnsOf([after], true)).catch((error) => {
      // Another took its key at this moment: once more, and it is found.
      throw codeOf(error) === "23505" ? new Conflict(error) : error;
    });
    const { state } = after.status;
    if (!isFinal(state)) return { after, isLeft: false };
    if (job.status.state === "blocked") await forgetAwaited(sql, [id]);
    if (!row.awaited) return { after, isLeft: false };
    const { all } = await settle(sql, new Map([[id, state]]), now, PORTION);
    return { after, isLeft: !all };
  }

  /** The row of a job that nobody else changes until the transaction ends, all others told. */
  async #lock(sql: Sql, id: string): Promise<{ row: Row; now: number }> {
    const [row] = await sql.query<Row & { now: number }>(
      "select *, queuectl.time() as now from queuectl.jobs where id = $1 for update",
      [id],
    );
    if (row === undefined) throw new QueueError("not_found", `No job "${id}"`);
    const now = this.#options.now?.() ?? row.now;
    if (row.owes) {
      await settle(sql, new Map([[id, row.state]]), now);
      await sql.query("update queuectl.jobs set owes = false where id = $1", [id]);
    }
    return { row, now };
  }

  async #tellAllOwed(): Promise<void> {
    while (await this.#tellOwed());
  }

  /** Tells a portion of those who have not been told of an end. @returns whether there were any */
  async #tellOwed(): Promise<boolean> {
    const ends = await this.database.transaction(async (sql) => {
      const rows = await sql.query<Pick<Row, "id" | "state">>(
        "select id, state from queuectl.jobs where owes limit 100 for update skip locked",
      );
      if (rows.length === 0) return false;
      const fates = new Map(rows.map(({ id, state }) => [id, state]));
      const { all } = await settle(sql, fates, await this.#now(sql), PORTION);
      if (all) {
        await sql.query("update queuectl.jobs set owes = false where id = any ($1)", [
          [...fates.keys()],
        ]);
      }
      return true;
    });
    if (ends) await this.#wake.others();
    return ends;
  }

  async #callOffExpired(): Promise<boolean> {
    return await this.database.transaction(async (sql) => {
      const now = await this.#now(sql);
      const rows = await sql.query<Row>(
        `select * from queuectl.jobs j
         where start_by is not null and state in ('pending', 'blocked') and start_by < $1
           and queuectl.has_expired(j, $1)
         limit $2 for update skip locked`,
        [timestamp(now), PORTION],
      );
      const jobs = rows.map(jobOf).filter((job) => hasExpired(job, now));
      if (jobs.length === 0) return false;
      await sql.query(UPDATE, columnsOf(jobs.map((job) => expired(job, now) as Job), true));
      await forgetAwaited(sql, jobs.map(({ id }) => id));
      const awaited = rows.filter((row) => row.awaited).map((row) =>
        [row.id, "cancelled"] as const
      );
      await settle(sql, new Map(awaited), now, PORTION);
      return true;
    });
  }

  #at(): string | null {
    const { now } = this.#options;
    return now === undefined ? null : timestamp(now());
  }

  async #now(sql: Sql): Promise<number> {
    if (this.#options.now !== undefined) return this.#options.now();
    return (await sql.query<{ now: number }>("select queuectl.time() as now"))[0]!.now;
  }
}

const CLAIM = "select * from queuectl.claim($1, $2, $3, $4, $5, $6)";
const FINISH = "queuectl.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const FINISH_AND_CLAIM = `select end_of.gated, next.* from ${FINISH} as end_of(gated)
  left join lateral queuectl.claim($14, $15, $16, $17, $18, $19) as next
  on end_of.gated is not null`;

/** Whoever may only enqueue leaves it to workers. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof QueueError) || error.code !== "refused") throw error;
}

function placeLost(error: unknown): never {
  if (codeOf(error) !== PLACE_LOST) throw error;
  throw new QueueError("claim_lost", (error as Error).message);
}

/** Whether two claims ask for the same. */
function isSame(one: readonly unknown[], other: readonly unknown[] | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function hasRecorded({ history }: Job, claim: Claim): boolean {
  return history.some(({ attempt, worker, startedAt }) =>
    attempt === claim.attempt && worker === claim.worker && startedAt === claim.startedAt
  );
}

function mustNotRun({ id, status }: Job): void {
  if (status.state !== "processing") return;
  throw new QueueError("wrong_state", `Cannot change job "${id}": it is running`);
}

/** @throws QueueError if another job has the key of one that would go on */
async function mustBeFree(sql: Sql, job: Job): Promise<void> {
  const holder = (await holdersOf(sql, [job])).get(job.unique!);
  if (holder !== undefined) throw keyTaken(job, holder);
}

function claimLost(id: string): QueueError {
  return new QueueError(
    "claim_lost",
    `Cannot change job "${id}": another worker holds it, or none`,
  );
}
