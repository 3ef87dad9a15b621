// What becomes of a step that was carried out and whose answer was lost.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import type { JobStore } from "../../src/queue/store.ts";
import type { OutputTable } from "../../src/stores/shared/file_sender.ts";
import { LastPieces } from "../../src/stores/shared/last_pieces.ts";
import type { JobsOptions } from "../../src/stores/shared/server_store.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { type LossyProxy, openLossyProxy } from "../support/lossy_proxy.ts";

/** A kind of server, and what stands in the questions that it is asked. */
export interface LostAnswers {
  readonly name: string;
  /** The path on which it is reached. */
  readonly socket: string;
  /**
   * Gives a test stores of one queue, which is empty: on the way by the proxy.
   */
  withStores(
    proxy: LossyProxy,
    test: (open: (options: JobsOptions) => JobStore, outputs: OutputTable) => Promise<void>,
  ): Promise<void>;
  /** What stands in the question that is answered when the change is made. */
  readonly words: Readonly<Record<"add" | "addMany" | "finish" | "change" | "claim", string>>;
}

const W1 = { worker: "w-1", pid: 1, host: "box" };
const end = (job: Job, now: number) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);

export function testLostAnswers({ name, socket, withStores, words }: LostAnswers): void {
  const test = (
    says: string,
    body: (jobs: JobStore, proxy: LossyProxy, outputs: OutputTable) => Promise<void>,
    options: JobsOptions = {},
  ) =>
    Deno.test(`${name}: ${says}`, async () => {
      const proxy = openLossyProxy(socket);
      try {
        await withStores(proxy, async (open, outputs) => {
          await body(open(options), proxy, outputs);
          assert(proxy.lost() > 0, "an answer was lost");
        });
      } finally {
        await proxy.close();
      }
    });

  test("add() of one job is done, if it is found to be there", async (jobs, proxy) => {
    await jobs.count();
    proxy.lose(words.add);
    assertEquals(await jobs.add([aJob()]), 1);
    assertEquals((await jobs.count()).pending, 1);
  });

  test("add() of many is done, if they are found to be there", async (jobs, proxy) => {
    await jobs.count();
    proxy.lose(words.addMany);
    assertEquals(await jobs.add([aJob(), aJob({ id: "b", after: ["a"] })]), 2);
    assertEquals([(await jobs.count()).pending, (await jobs.count()).blocked], [1, 1]);
  });

  for (
    const adds of [() => undefined, (_: Job, now: number) => aJob({ id: "hook", createdAt: now })]
  ) {
    const how = adds(aJob(), 0) === undefined ? "in one statement" : "with a hook";
    test(`change() of a claimed job, ${how}, is done once`, async (jobs, proxy) => {
      await jobs.add([aJob()]);
      const job = (await jobs.claim(W1, 0))!;
      proxy.lose(adds(job, 0) === undefined ? words.finish : words.change);
      const after = await jobs.change("a", end, claimOf(job), adds);
      assertEquals(after.history.length, 1);
      assertEquals(await jobs.get("a"), after);
      assertEquals((await jobs.count()).pending, adds(job, 0) === undefined ? 0 : 1);
    });
  }

  test("change() by a user says that it is not known", async (jobs, proxy) => {
    await jobs.add([aJob()]);
    proxy.lose(words.change);
    const error = await assertRejects(
      () => jobs.change("a", (job, now) => cancelled(job, now)),
      QueueError,
    );
    assertEquals(
      [error.code, /not known/.test(error.message)],
      ["unavailable", true],
      error.message,
    );
    assertEquals((await jobs.get("a"))?.status.state, "cancelled");
  });

  test("change() that claims the next job leaves that to be given back", async (jobs, proxy) => {
    await jobs.add(["a", "b"].map((id, sequence) => aJob({ id, sequence })));
    const job = (await jobs.claim(W1, 0))!;
    proxy.lose(words.finish);
    assertEquals((await jobs.change("a", end, claimOf(job))).status.state, "completed");
    assertEquals((await assertRejects(() => jobs.claim(W1, 0), QueueError)).code, "unavailable");
    assertEquals((await jobs.claimedBy("w-1")).map(({ id }) => id), ["b"]);
  }, { ahead: true });

  const lastPieces = new LastPieces();
  test("output that goes with the end is there once", async (jobs, proxy, outputs) => {
    await jobs.add([aJob()]);
    const job = (await jobs.claim(W1, 0))!;
    const bytes = new TextEncoder().encode("said");
    let isLeft = true;
    lastPieces.keep("a", {
      attempt: 1,
      from: 0,
      bytes,
      send: async () => {
        await outputs.put("a", 1, 0, bytes);
        isLeft = false;
      },
      isThere: () => isLeft = false,
    });
    proxy.lose(words.finish);
    await jobs.change("a", end, claimOf(job));
    assertEquals([await outputs.size("a", 1), isLeft], [4, false]);
  }, { lastPieces });

  test("claim() leaves the job to be given back", async (jobs, proxy) => {
    await jobs.add([aJob()]);
    proxy.lose(words.claim);
    const error = await assertRejects(() => jobs.claim(W1, 0), QueueError);
    assertEquals(error.code, "unavailable");
    assertEquals((await jobs.claimedBy("w-1")).map(({ id }) => id), ["a"]);
  });
}
