// The store of jobs in PostgreSQL. A change is a transaction: the row is locked, the pure transition
// says what becomes of it, the row is written. What every job goes through is in claims.ts.
import { isFinal } from "../../queue/dependencies.ts";
import { QueueError } from "../../queue/errors.ts";
import { type Claim, isClaimOn, type Job } from "../../queue/job.ts";
import type { Adds, Claimant, JobStore } from "../../queue/store.ts";
import { claimLost, mustNotRun, noJob, type Transition } from "../../queue/transitions.ts";
import { keyTaken, needsKey } from "../../queue/unique.ts";
import { Claims } from "../shared/claims.ts";
import { ClaimedChange, unlessAdded } from "../shared/lost_answers.ts";
import type { JobsOptions } from "../shared/server_store.ts";
import { PostgresClaimSteps } from "./claim_steps.ts";
import { type Database, type Sql, timestamp } from "./connection.ts";
import { codeOf, Conflict } from "./errors.ts";
import { IdleTime } from "../shared/idle_time.ts";
import { cancelExpired, holdersOf, insert, insertAll, type Left } from "./insert.ts";
import { sweepLines } from "./queues.ts";
import { PostgresReader } from "./reader.ts";
import { columnsOf, jobOf, type Row, UPDATE } from "./row.ts";
import { forgetAwaited, PORTION, settle } from "./settle.ts";
import { timeOf, Undone } from "./undone.ts";
import type { Wake } from "../shared/wake.ts";
import { type NextDue, WorkerWaits } from "../shared/worker_waits.ts";
import { wakeOf } from "./channel.ts";

export class PostgresJobs extends PostgresReader implements JobStore {
  readonly #options: JobsOptions;
  readonly #wake: Wake;
  readonly #waits: WorkerWaits;
  readonly #claims: Claims;
  readonly #undone: Undone;

  constructor(database: Database, options: JobsOptions = {}) {
    super(database);
    this.#options = options;
    this.#wake = wakeOf(database, "jobs", options.listens);
    this.#undone = new Undone(database, this.#wake, options.now);
    const { host, lookout } = options;
    const [wake, idle] = [this.#wake, new IdleTime(this.#wake)];
    const dueAfter = (ago: number) => this.#dueAfter(ago);
    this.#waits = new WorkerWaits({ host, lookout, idle, wake, dueAfter });
    this.#claims = new Claims({
      ...options,
      steps: new PostgresClaimSteps(database),
      wake,
      idle,
      change: (id, transition, claim) => this.change(id, transition, claim),
    });
  }

  async add(jobs: Iterable<Job>, taken: Left = () => {}): Promise<number> {
    const list = Array.isArray(jobs) ? jobs as Job[] : undefined;
    const left: [Job, string][] = [];
    const leave: Left = (job, holder) => void left.push([job, holder]);
    let someExpired = false;
    const expiry = { at: this.#at(), onExpired: () => void (someExpired = true) };
    const work = async (sql: Sql) => {
      left.length = 0;
      return await insertAll(sql, jobs, () => timeOf(sql, this.#options.now), leave, expiry);
    };
    const isSimple = list?.length === 1 && list[0]!.status.state !== "blocked";
    const addNow = async () =>
      isSimple
        ? (await insert(this.database, list, leave, expiry)).length
        : await this.database.transaction(work, { once: list === undefined });
    const added = await addNow().catch((error) => unlessAdded(error, list, (id) => this.get(id)));
    if (someExpired) await this.#undone.tellAll().catch(unlessRefused);
    for (const [job, holder] of left) taken(job, holder);
    if (added > 0) await this.#wake.others();
    return added;
  }

  async claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined> {
    return await this.#claims.claim(by, now, queues);
  }

  async change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    if (claim === undefined) return await this.#change(id, transition);
    const after = await this.#claims.end(id, transition, claim, adds);
    if (after instanceof Object) return after;
    const again = new ClaimedChange(claim, (id) => this.get(id), after === "unanswered");
    return await this.database.again(() =>
      again.try(id, () => this.#change(id, transition, claim, adds))
    );
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

  nextDue(): Promise<number | undefined> {
    return this.#waits.nextDue();
  }

  /** When the next job falls due after a time that is so many milliseconds ago. */
  async #dueAfter(ago: number): Promise<NextDue> {
    const [row] = await this.database.read<{ due: number | null; now: number }>(
      `select queuectl.next_due(now - make_interval(secs => $2::float8 / 1000)) as due, now
       from (select coalesce($1::timestamptz, queuectl.time()) as now) as clock`,
      [this.#at(), ago],
    );
    return { due: row!.due ?? undefined, now: row!.now };
  }

  async hasWork(queues?: readonly string[]): Promise<boolean> {
    const [row] = await this.database.read<{ found: boolean }>(
      "select queuectl.has_work($1, $2) as found",
      [this.#at(), queues ?? null],
    );
    return row?.found === true;
  }

  override async claimedBy(worker: string): Promise<Job[]> {
    await this.#claims.giveBack();
    const jobs = await super.claimedBy(worker);
    const { host } = this.#options;
    if (host === undefined || jobs.length === 0) return jobs;
    const place = await this.database.read(
      "select from queuectl.workers where name = $1 and host_id = $2",
      [worker, host],
    );
    return place.length === 0 ? [] : jobs;
  }

  waitForChange(timeout: number, signal?: AbortSignal): Promise<void> {
    return this.#waits.forChange(timeout, signal);
  }

  async recover(): Promise<void> {
    if (!this.#waits.isTimeToRecover()) return;
    await this.#undone.callOffExpired();
    await this.#undone.tellAll();
    await sweepLines(this.database);
  }

  override async close(): Promise<void> {
    this.#waits.close();
    await this.#claims.giveBack().catch(() => {});
    await this.#wake.close();
  }

  async #change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    const { after, isLeft } = await this.database.transaction((sql) =>
      this.#changeIn(sql, id, transition, claim, adds)
    );
    if (isLeft) await this.#undone.tellAll();
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
    let someExpired = false;
    if (claim === undefined) {
      mustNotRun(job);
      if (needsKey(job, after)) {
        someExpired = await cancelExpired(sql, [job], this.#at());
        await mustBeFree(sql, job);
      }
    }
    const added = claim === undefined ? undefined : adds?.(after, now);
    if (added !== undefined) await insert(sql, [added], () => {}, { mayBeThere: true });
    await sql.query(UPDATE, columnsOf([after])).catch((error) => {
      // Another took its key at this moment: once more, and it is found.
      throw codeOf(error) === "23505" ? new Conflict(error) : error;
    });
    const { state } = after.status;
    if (!isFinal(state)) return { after, isLeft: someExpired };
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
    if (row === undefined) throw noJob(id);
    const now = this.#options.now?.() ?? row.now;
    if (row.owes) {
      await settle(sql, new Map([[id, row.state]]), now);
      await sql.query("update queuectl.jobs set owes = false where id = $1", [id]);
    }
    return { row, now };
  }

  #at(): string | null {
    const { now } = this.#options;
    return now === undefined ? null : timestamp(now());
  }
}

/** Whoever may only enqueue leaves it to workers. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof QueueError) || error.code !== "refused") throw error;
}

/** @throws QueueError if another job has the key of one that would go on */
async function mustBeFree(sql: Sql, job: Job): Promise<void> {
  const holder = (await holdersOf(sql, [job])).get(job.unique!);
  if (holder !== undefined) throw keyTaken(job, holder);
}
