// Writes a data folder with jobs in every state, as this version keeps them, and what is in it as
// JSON. One folder for each format stays under tests/data and must be readable for ever: a new one
// is added, and never replaces an old one.
//   deno run -A tests/support/make_data_folder.ts tests/data/v2
import { FileSettings } from "../../src/stores/file/settings.ts";
import type { Job, JobRequest } from "../../src/queue/job.ts";
import { historyToJson, jobToJson } from "../../src/queue/job_json.ts";
import type { Ending } from "../../src/queue/outcome.ts";
import { cancelled, created, ended, retried } from "../../src/queue/transitions.ts";
import { journalPath, logPath } from "../../src/stores/file/layout.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles, type FileLock } from "../../src/system/file_system.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { aRequest, changeAs } from "./jobs.ts";

const EPOCH = Date.parse("2026-01-02T03:04:05.678Z");
const FAR = Date.parse("2099-12-31T23:59:59.000Z");
const BACKOFF = { base: 2, max: 3600 };
const FOR_YEARS = { base: 1e9, max: 1e9 };
const WORKER = { worker: "worker-1", pid: 4242, host: "example" };
/** More than are written one by one, so that they come in a bucket of their own. */
const BATCH = 34;

const OK: Ending = { outcome: "succeeded", exitCode: 0, signal: null, error: null };
const FAILED: Ending = { outcome: "failed", exitCode: 75, signal: null, error: "exit code 75" };
const KILLED: Ending = {
  outcome: "failed",
  exitCode: 137,
  signal: "SIGKILL",
  error: "killed by SIGKILL",
};
const LATE: Ending = {
  outcome: "timed_out",
  exitCode: 143,
  signal: "SIGTERM",
  error: "timed out after 1.5s",
};
const LOST: Ending = {
  outcome: "lost",
  exitCode: null,
  signal: null,
  error: "the machine was started anew while it ran",
};
const RELEASED: Ending = {
  outcome: "released",
  exitCode: null,
  signal: null,
  error: "stopped before its end and handed back",
};

/**
 * What became of each job that a worker has had, in the order of being run; `undefined` stands for:
 * it still runs.
 */
const LIVES: readonly [id: string, endings: readonly (Ending | undefined)[]][] = [
  ["done", [OK]],
  ["done-at-last", [FAILED, LOST, OK]],
  ["retrying", [KILLED]],
  ["dead", [FAILED, LATE]],
  ["dead-again", [FAILED, RELEASED, LATE]],
  ["cancelled-while-it-ran", [{
    outcome: "cancelled",
    exitCode: null,
    signal: "SIGTERM",
    error: "cancelled while it ran",
  }]],
  ["runs", [FAILED, undefined]],
  ["handed-back", [RELEASED]],
];

const REQUESTS: Readonly<Record<string, Partial<JobRequest>>> = {
  "dead": { maxRetries: 1, timeout: 1.5, command: "sleep 60" },
  "dead-again": { maxRetries: 0, env: { TOKEN: "a b", EMPTY: "" } },
  "runs": { priority: -5 },
  "retrying": { command: "printf '%s\\n' \"it's\"\n# a second line, größer 🚀\nexit 75" },
};

/** What the second version brought. */
const RELATED: Readonly<Record<string, Partial<JobRequest>>> = {
  "in-a-queue": { queue: "downloads", group: "mirror", unique: "mirror of example.org" },
  "of-a-schedule": { schedule: "nightly", startBy: FAR },
  "blocked": {
    after: ["waits", "urgent", "done"],
    afterAny: ["runs"],
    runAt: FAR,
    queue: "downloads",
  },
  "released": { after: ["done"] },
  "expired": { afterAny: ["in-2099"], startBy: EPOCH + 1, group: "mirror" },
};

/** Fills `dir`, which must be empty. @returns the jobs as they are then */
export async function makeDataFolder(dir: string): Promise<Job[]> {
  let now = EPOCH;
  const tick = () => now += 1000;
  const store = await openFileStore(dir, { files: diskFiles, now: () => now });
  const jobs = new Map<string, Job>();
  const keep = (job: Job) => void jobs.set(job.id, job);
  const make = (id: string, more: Partial<JobRequest> = {}) =>
    created(
      aRequest({ id, command: `echo ${id}`, cwd: "/home/ann", createdAt: tick(), ...more }),
    );
  const add = async (job: Job) => {
    keep(job);
    await store.add([job]);
  };

  await new FileSettings(dir, diskFiles).merge({ max_retries: 5 });
  await new FileSettings(dir, diskFiles).merge({ backoff_base: 1.5 });
  await new FileSettings(dir, diskFiles).merge({ log_max: 10 * 1024 * 1024 });

  for (const [id, endings] of LIVES) {
    await add(make(id, REQUESTS[id]));
    for (const ending of endings) {
      const retryAt = jobs.get(id)!.status;
      if (retryAt.state === "failed") now = Math.max(now, retryAt.runAt);
      if (retryAt.state === "dead") keep(await store.change(id, (job) => retried(job, tick())));
      tick();
      const claimed = await store.claim(WORKER, now);
      if (claimed?.id !== id) throw new Error(`${claimed?.id} was claimed, not ${id}`);
      keep(claimed);
      const attempt = claimed.status.state === "processing" ? claimed.status.running.attempt : 0;
      diskFiles.create(logPath(dir, id, attempt), `${id}, attempt ${attempt}\n`);
      if (ending === undefined) continue;
      tick();
      keep(
        await changeAs(
          store,
          "worker-1",
          id,
          (job) => ended(job, ending, id === "retrying" ? FOR_YEARS : BACKOFF, now),
        ),
      );
    }
  }
  for (const id of ["called-off", "waits", "urgent"]) {
    await add(make(id, { priority: id === "urgent" ? 10 : 0 }));
  }
  keep(await store.change("called-off", (job) => cancelled(job, tick())));
  await add(make("in-2099", { runAt: FAR }));
  for (const [id, more] of Object.entries(RELATED)) await add(make(id, more));
  now += 2000;
  for (const id of ["released", "blocked"]) keep((await store.get(id))!);
  keep(await store.change("expired", (job) => cancelled(job, tick(), "expired")));
  const createdAt = tick();
  const batch = Array.from(
    { length: BATCH },
    (_, sequence) => make(`batch-${sequence}`, { createdAt, sequence }),
  );
  await store.add(batch);
  batch.forEach(keep);
  await store.close();

  // The worker that ran them died over the last one; its shell had told the journal that it began.
  let lock: FileLock | undefined;
  const dying = { ...diskFiles, lock: (path: string) => lock = diskFiles.lock(path) };
  FileWorkerLock.join(dying, dir, "worker-1").announce({
    pid: WORKER.pid,
    host: WORKER.host,
    startedAt: EPOCH,
  });
  lock?.release(); // as the kernel does at its death: the files stay
  const runs = jobs.get("runs")!.status;
  if (runs.state !== "processing") throw new Error("the job does not run");
  const { attempt, startedAt } = runs.running;
  diskFiles.create(
    journalPath(dir, "worker-1"),
    `shell 4243 00000000-0000-4000-8000-000000000000 12345\n+ runs ${attempt} ${startedAt}\n`,
  );
  return [...jobs.values()];
}

/** The jobs as the golden file has them: by id, with their histories. */
export function goldenJson(jobs: readonly Job[]): Record<string, unknown> {
  const sorted = jobs.toSorted((a, b) => a.id < b.id ? -1 : 1);
  return Object.fromEntries(
    sorted.map((job) => [job.id, { ...jobToJson(job), history: historyToJson(job) }]),
  );
}

if (import.meta.main) {
  const dir = Deno.args[0]!;
  Deno.mkdirSync(dir);
  const jobs = await makeDataFolder(dir);
  Deno.writeTextFileSync(`${dir}.json`, JSON.stringify(goldenJson(jobs), null, 2) + "\n");
}
