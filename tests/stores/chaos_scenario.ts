// Several clients at once whose connections are killed at any moment, and a server that crashes in
// the middle: nothing is lost, nothing runs twice, limits hold, and all comes to its end.
import { assert, assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import { cancelled, ended, unclaimed } from "../../src/queue/transitions.ts";
import type { QueueStore } from "../../src/queue/queues.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { aJob, anEnding } from "../support/jobs.ts";

/** A queue on a server of its own, and what may happen to that. */
export interface ChaosStage {
  /** A store with a connection of its own. */
  jobs(options?: { readonly ahead?: boolean }): JobStore;
  queues(): QueueStore;
  /** Ends the connection of somebody. */
  killOne(): Promise<unknown>;
  /** How many jobs of a queue run. */
  running(queue: string): Promise<number>;
  /** Whether somebody is still to be told of an end. */
  owes(): Promise<boolean>;
  tell(word: "start" | "crash"): Promise<void>;
}

/** How many clients of each kind, how many jobs each adds, and after how many calls one is killed. */
const WORKERS = 4;
const BATCHES = 30;
const KILL_EVERY = 11;
const LIMIT = 2;
const BACKOFF = { base: 1, max: 0 };
const RUN_OUT: readonly Outcome[] = [
  "succeeded",
  "succeeded",
  "succeeded",
  "failed",
  "lost",
  "released",
];

const some = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;
const isAway = (error: unknown) => error instanceof QueueError && error.code === "unavailable";

export function testChaos(
  name: string,
  withStage: (test: (stage: ChaosStage) => Promise<void>) => Promise<void>,
): void {
  Deno.test(`${name}: clients that are cut off at any moment lose nothing and run nothing twice`, async () => {
    await withStage(async (stage) => {
      const queues = stage.queues();
      await queues.change(["limited"], (one) => ({ ...one, limit: LIMIT }));
      let calls = 0;
      const kills: Promise<unknown>[] = [];
      /** Counts the calls, and kills the connection of one client now and then. */
      const call = async <T>(step: () => Promise<T>): Promise<T> => {
        if (++calls % KILL_EVERY === 0) {
          kills.push(stage.killOne().catch(() => {}));
        }
        return await step();
      };
      /** For as long as it takes. */
      const insist = async <T>(step: () => Promise<T>): Promise<T> => {
        for (;;) {
          try {
            return await call(step);
          } catch (error) {
            if (!isAway(error)) throw error;
          }
        }
      };

      const promised = new Set<string>();
      const runs = new Map<string, string>();
      const succeeded = new Set<string>();
      let producing = 2;
      let most = 0;

      const produce = async (name: string) => {
        const jobs = stage.jobs();
        for (let n = 0; n < BATCHES; n++) {
          const id = (k: number) => `${name}-${n}-${k}`;
          const queue = some(["default", "limited"]);
          const batch = [
            aJob({ id: id(0), queue, createdAt: Date.now() }),
            aJob({ id: id(1), queue, createdAt: Date.now(), sequence: 1, after: [id(0)] }),
            aJob({ id: id(2), createdAt: Date.now(), sequence: 2, afterAny: [id(0), id(1)] }),
          ];
          try {
            await call(() => jobs.add(batch));
            for (const job of batch) promised.add(job.id);
          } catch (error) {
            if (!isAway(error)) throw error;
            // All of them or none.
            const there = await insist(() => jobs.findIdsByPrefix(`${name}-${n}-`, 9));
            assert([0, 3].includes(there.length), String(there));
          }
          if (n % 7 === 0) {
            await call(() => jobs.change(id(0), (job, now) => cancelled(job, now)))
              .catch((error) => assert(error instanceof QueueError, String(error)));
          }
        }
        producing--;
      };

      const work = async (name: string) => {
        const jobs = stage.jobs({ ahead: true });
        const by = { worker: name, pid: 1, host: "box" };
        const atHand = () => [...runs].find(([, worker]) => worker === name)?.[0];
        for (;;) {
          let job: Job | undefined;
          try {
            job = await call(() => jobs.claim(by, 0));
          } catch (error) {
            if (!isAway(error)) throw error;
            // As a worker does: what was claimed without an answer is given back.
            for (const stray of await insist(() => jobs.claimedBy(name))) {
              await insist(() => jobs.change(stray.id, unclaimed, claimOf(stray)))
                .catch((error) => assert(error.code === "claim_lost", String(error)));
            }
            continue;
          }
          if (job === undefined) {
            await call(() => jobs.recover()).catch((error) => assert(isAway(error), String(error)));
            const isDone = producing === 0 && runs.size === 0;
            if (
              isDone && !(await insist(() => jobs.hasWork())) && !(await insist(() => stage.owes()))
            ) return;
            continue;
          }
          assertEquals([runs.get(job.id), atHand()], [undefined, undefined], "it runs already");
          assert(!succeeded.has(job.id), "it has succeeded before");
          runs.set(job.id, name);
          most = Math.max(most, await stage.running("limited"));
          const ending = anEnding(some(RUN_OUT));
          const claimed = job;
          runs.delete(job.id);
          if (ending.outcome === "succeeded") succeeded.add(job.id);
          const after = await insist(() =>
            jobs.change(
              claimed.id,
              (one, now) => ended(one, ending, BACKOFF, now),
              claimOf(claimed),
            )
          );
          // Not the last one: where the answer was lost, another may have taken the job meanwhile.
          const { attempt } = claimOf(claimed);
          const own = after.history.find((one) => one.attempt === attempt);
          assertEquals(own?.outcome, ending.outcome);
        }
      };
      const crash = async () => {
        while (calls < 300) await new Promise((resolve) => setTimeout(resolve, 1));
        await stage.tell("crash");
        await stage.tell("start");
      };
      await Promise.all([
        ...["p", "q"].map(produce),
        ...Array.from({ length: WORKERS }, (_, i) => work(`w-${i}`)),
        crash(),
      ]);
      await Promise.all(kills);

      const jobs = stage.jobs();
      const all = await Array.fromAsync(jobs.list({}));
      const byId = new Map(all.map((job) => [job.id, job]));
      for (const id of promised) assert(byId.has(id), `${id} was promised`);
      for (const { id, status, history } of all) {
        assertEquals(history.map(({ attempt }) => attempt), history.map((_, i) => i + 1), id);
        const good = history.filter(({ outcome }) => outcome === "succeeded").length;
        assertEquals(good, status.state === "completed" ? 1 : 0, id);
        assertEquals(succeeded.has(id), status.state === "completed", id);
        assert(
          !["processing", "pending", "failed"].includes(status.state),
          `${id}: ${status.state}`,
        );
        // A job that failed for good keeps those that need it.
        if (status.state === "blocked") {
          assertEquals(byId.get(id.replace(/.$/, "0"))?.status.state, "dead");
        }
      }
      assertEquals(Object.values(await jobs.count()).reduce((a, b) => a + b), all.length);
      assertEquals(most, LIMIT, "so many of the limited queue ran at once");
    });
  });
}
