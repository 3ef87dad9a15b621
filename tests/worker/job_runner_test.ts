// How a worker runs a job, in memory: the loop, the runner and the recorder, with an executor that
// the test controls.
import { assert, assertEquals } from "@std/assert";
import type { Executor, Run } from "../../src/exec/run.ts";
import { QueueError } from "../../src/queue/errors.ts";
import type { Ending } from "../../src/queue/outcome.ts";
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";
import type { WorkerEvent } from "../../src/queue/worker_event.ts";
import { MemoryRequests } from "../../src/stores/memory/requests.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { FallibleSteps } from "../../src/worker/fallible_steps.ts";
import { JobRunner } from "../../src/worker/job_runner.ts";
import { JobsAtHand } from "../../src/worker/jobs_at_hand.ts";
import { Recorder } from "../../src/worker/recorder.ts";
import { work } from "../../src/worker/worker.ts";
import { aJob, anEnding, EPOCH } from "../support/jobs.ts";
import { waitUntil } from "../support/wait_until.ts";

class Bench {
  /** By the clock of the store. */
  now = EPOCH;
  readonly jobs = new MemoryStore(() => this.now);
  readonly requests = new MemoryRequests();
  readonly atHand = new JobsAtHand();
  readonly events: WorkerEvent[] = [];
  readonly runs: Run[] = [];
  readonly stopping = new AbortController();
  readonly force = new AbortController();
  /** What each run comes to. */
  answer: (run: Run, stop: AbortSignal) => Promise<Ending> = () =>
    Promise.resolve(anEnding("succeeded"));

  /** Sends the rest of what a run has printed. */
  sendRest = () => Promise.resolve();

  /** Which server keeps the store. */
  server = () => "first";

  /** Works until all is done. */
  async work(): Promise<void> {
    const report = (event: WorkerEvent) => void this.events.push(event);
    const settings = () => Promise.resolve({ ...DEFAULT_SETTINGS, kill_grace: 7 });
    const steps = new FallibleSteps(report);
    const executor: Executor = {
      ready: () => Promise.resolve(),
      run: (run, stop) => {
        this.runs.push(run);
        return this.answer(run, stop!);
      },
      close: async () => {},
    };
    const { jobs, requests, atHand } = this;
    const recorder = new Recorder({
      jobs,
      requests,
      atHand,
      settings,
      report,
      force: this.force.signal,
    });
    const runner = new JobRunner({
      name: "w",
      pid: 7,
      hostname: "box",
      jobs,
      executor,
      atHand,
      recorder,
      steps,
      drain: true,
      now: () => EPOCH,
      settings,
      report,
      host: {
        log: (id, attempt) => `/logs/${id}.${attempt}`,
        server: () => this.server(),
        sendOutput: () => ({ finish: () => this.sendRest() }),
      },
      force: new AbortController(),
      stopping: this.stopping.signal,
    });
    await work(runner, this.stopping.signal);
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  async state(id: string): Promise<string | undefined> {
    return (await this.jobs.get(id))?.status.state;
  }
}

Deno.test("work() claims, runs and records one job after the other, and ends when drained", async () => {
  const bench = new Bench();
  await bench.jobs.add([
    aJob({ id: "a", sequence: 0 }),
    aJob({ id: "b", sequence: 1, timeout: 9 }),
  ]);
  await bench.work();
  assertEquals(bench.kinds(), ["job_started", "job_ended", "job_started", "job_ended"]);
  assertEquals([await bench.state("a"), await bench.state("b")], ["completed", "completed"]);
  assertEquals(
    bench.runs.map(({ id, attempt, timeout, killGrace, log, worker, startedAt }) => [
      id,
      attempt,
      timeout,
      killGrace,
      log,
      worker,
      startedAt,
    ]),
    [["a", 1, 0, 7, "/logs/a.1", "w", EPOCH], ["b", 1, 9, 7, "/logs/b.1", "w", EPOCH]],
  );
  const [attempt] = (await bench.jobs.get("a"))!.history;
  assertEquals([attempt?.worker, attempt?.pid, attempt?.host], ["w", 7, "box"]);
});

Deno.test("Recorder records when an attempt has ended, although the store was away then", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a" })]);
  bench.answer = () => {
    bench.now = EPOCH + 60_000;
    return Promise.resolve(anEnding("succeeded"));
  };
  const change = bench.jobs.change.bind(bench.jobs);
  let [tries, begun, took] = [0, 0, 0];
  bench.jobs.change = async (...args) => {
    if (tries++ === 0) {
      begun = performance.now();
      throw new QueueError("unavailable", "it is away");
    }
    took = performance.now() - begun;
    return await change(...args);
  };
  await bench.work();
  const [attempt] = (await bench.jobs.get("a"))!.history;
  assertEquals(tries, 2);
  assert(attempt!.endedAt <= EPOCH + 60_000 - Math.floor(took), `${attempt!.endedAt} ${took}`);
});

Deno.test("Recorder records when an attempt has ended, although its output took long to send", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a" })]);
  bench.now = EPOCH + 60_000;
  let took = 0;
  bench.sendRest = async () => {
    const begun = performance.now();
    await waitUntil(() => performance.now() - begun > 20);
    took = performance.now() - begun;
  };
  await bench.work();
  const [attempt] = (await bench.jobs.get("a"))!.history;
  assert(attempt!.endedAt <= EPOCH + 60_000 - Math.floor(took), `${attempt!.endedAt} ${took}`);
});

Deno.test("work() takes no new job once it is to stop, and lets the one at hand end", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a", sequence: 0 }), aJob({ id: "b", sequence: 1 })]);
  bench.answer = () => {
    bench.stopping.abort();
    return Promise.resolve(anEnding("succeeded"));
  };
  await bench.work();
  assertEquals([await bench.state("a"), await bench.state("b")], ["completed", "pending"]);
});

Deno.test("JobRunner gives a job back whose shell can't be started, and no attempt is on record", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a" })]);
  bench.answer = () => {
    bench.stopping.abort(); // else it would wait and try again
    return Promise.reject(new Error("no more processes"));
  };
  await bench.work();
  const job = await bench.jobs.get("a");
  assertEquals([job?.status.state, job?.history], ["pending", []]);
  assertEquals(
    bench.events.flatMap((event) => event.kind === "warning" ? [event.message] : []),
    ['Cannot run job "a" now, trying again later: no more processes'],
  );
});

Deno.test("JobsAtHand.cancel() ends the job at hand, and its request is cleared when that is on record", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a" })]);
  await bench.requests.requestCancel("a");
  await bench.requests.requestCancel("other");
  bench.answer = (_run, stop) => {
    bench.atHand.cancel("other"); // which is not at hand
    bench.atHand.cancel("a");
    return Promise.resolve(anEnding(stop.aborted ? stop.reason : "succeeded"));
  };
  await bench.work();
  assertEquals(await bench.state("a"), "cancelled");
  assertEquals(await bench.requests.cancelRequests(), ["other"]);
});

Deno.test("JobsAtHand.release() hands back the job at hand, and each that comes later", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a" })]);
  let runs = 0;
  bench.answer = (_run, stop) => {
    if (++runs === 1) bench.atHand.release();
    if (runs === 2) bench.stopping.abort();
    return Promise.resolve(anEnding(stop.reason));
  };
  await bench.work();
  const job = await bench.jobs.get("a");
  assertEquals(job?.history.map(({ outcome }) => outcome), ["released", "released"]);
  assertEquals(job?.status.state, "pending");
});

Deno.test("Recorder says once that an end can't be recorded, and goes on with the next job", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a", sequence: 0 }), aJob({ id: "b", sequence: 1 })]);
  bench.answer = async (run) => {
    // Somebody has settled it meanwhile, in this worker's place.
    if (run.id === "a") {
      const job = (await bench.jobs.get("a"))!;
      if (job.status.state === "processing") {
        const { before, running } = job.status;
        await bench.jobs.change("a", (job) => ({ ...job, status: before }), running);
        await bench.jobs.change(
          "a",
          (job) => ({ ...job, status: { state: "dead", since: EPOCH } }),
        );
      }
    }
    return anEnding("succeeded");
  };
  await bench.work();
  assertEquals([await bench.state("a"), await bench.state("b")], ["dead", "completed"]);
  assertEquals(bench.kinds(), ["job_started", "warning", "job_started", "job_ended"]);
});

Deno.test("Recorder tries until the store has room again, and says so once", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a" })]);
  const change = bench.jobs.change.bind(bench.jobs);
  let refusals = 0;
  bench.jobs.change = (...args) =>
    refusals++ < 2 ? Promise.reject(new QueueError("io", "the disk is full")) : change(...args);
  await bench.work();
  assertEquals([await bench.state("a"), refusals], ["completed", 3]);
  assertEquals(bench.kinds(), ["job_started", "warning", "job_ended"]);
});

Deno.test("JobRunner gives back what it does not run after a failover that has lost the end of it", async () => {
  const bench = new Bench();
  await bench.jobs.add([aJob({ id: "a", sequence: 0 })]);
  await bench.jobs.claim({ worker: "w", pid: 7, host: "box" }, EPOCH);
  // With the first claim nobody knows yet of another server.
  const servers = ["first", "first", "second"];
  bench.server = () => servers.length > 1 ? servers.shift()! : servers[0]!;
  await bench.work();
  assertEquals(await bench.state("a"), "completed");
});
