// `storage check`, with and without repair, while another process does something between any two of
// its file operations. Nothing is reported that is not damage, no job gets two tickets or none, and
// a repair that dies at any step leaves nothing that is not corrected later.
import { assert, assertEquals } from "@std/assert";
import type { Job } from "../../src/queue/job.ts";
import {
  cancelled,
  ended,
  removableByCleanup,
  removableFromDlq,
  retried,
  unblocked,
  unclaimed,
} from "../../src/queue/transitions.ts";
import { check, checkAll } from "../../src/stores/file/check.ts";
import { Findings } from "../../src/stores/file/findings.ts";
import { lockPath } from "../../src/stores/file/layout.ts";
import { REPAIR } from "../../src/stores/file/maintenance.ts";
import type { FileStore } from "../../src/stores/file/store.ts";
import { aJob, anEnding, changeAs } from "../support/jobs.ts";
import type { SimDisk } from "../support/sim_disk.ts";
import { DATA, NOW, openAt, prepared } from "./scenarios.ts";

const BY = { worker: "worker-2", pid: 8, host: "box" };
const BACKOFF = { base: 2, max: 60 };

/** What another process does, in steps between which the check may go on. */
type Step = (store: FileStore) => Promise<unknown>;

const end = (outcome: "succeeded" | "failed" | "released"): Step => (store) =>
  changeAs(store, BY.worker, "b", (job) => ended(job, anEnding(outcome), BACKOFF, NOW));
const claim: Step = (store) => store.claim(BY, NOW);
const removeDead: Step = (store) => store.remove("e", removableFromDlq);
const addAgain: Step = (store) => store.add([aJob({ id: "e", createdAt: NOW })]);
const batch = (n: number): Step => (store) =>
  store.add(
    Array.from({ length: n }, (_, i) => aJob({ id: `n${i}`, sequence: i, createdAt: NOW })),
  );

const OTHERS: Readonly<Record<string, readonly Step[]>> = {
  "a claim": [claim],
  "a job that succeeds": [claim, end("succeeded")],
  "a job that fails": [claim, end("failed")],
  "a job that is handed back": [claim, end("released")],
  "a claim given back": [claim, (store) => changeAs(store, BY.worker, "b", unclaimed)],
  "a cancel": [(store) => store.change("b", (job) => cancelled(job, NOW))],
  "a retry that is due": [(store) => store.claim(BY, NOW + 60_000)],
  "dlq retry": [(store) => store.change("e", (job) => retried(job, NOW))],
  "dlq remove": [removeDead],
  "dlq remove, and the id used again": [removeDead, addAgain],
  "cleanup": [(store) => store.remove("c", (job) => removableByCleanup(job, NOW))],
  "enqueue": [batch(1)],
  "enqueue of three": [batch(3)],
  "enqueue of many": [batch(33)],
  "a blocked job that no longer is": [
    (store) => store.add([aJob({ id: "n0", createdAt: NOW, after: ["a"] })]),
    (store) => store.change("n0", (job) => unblocked(job, NOW)),
  ],
  "another worker that looks around": [(store) => store.recover()],
};

/** Those of them that may have to do with the job that is damaged. */
const AT_IT = [
  "a claim",
  "a job that succeeds",
  "a job that fails",
  "a claim given back",
  "a cancel",
  "another worker that looks around",
] as const;

/** Damages, by what is done to the disk; the job `b` waits in `ready`, and is the next. */
const DAMAGES: Readonly<Record<string, (disk: SimDisk) => void>> = {
  "a missing ticket": (disk) => disk.remove(ticketOf(disk, "b")),
  "a second ticket among those that run later": (disk) =>
    twin(disk, "b", `${DATA}/queue/later/${NOW}`, (name) => swapped(name)),
  "a ticket among the dead": (disk) => {
    twin(disk, "b", `${DATA}/queue/dead/${NOW}`, (name) => swapped(name).replace(".p.", ".d."));
    disk.remove(ticketOf(disk, "b"));
  },
  "a ticket among those that run later, with a time that is wrong": (disk) => {
    twin(
      disk,
      "b",
      `${DATA}/queue/later/${NOW}`,
      (name) => `${NOW + 99}${swapped(name).slice(13)}`,
    );
    disk.remove(ticketOf(disk, "b"));
  },
  "a file that is gone": (disk) => disk.remove(`${DATA}/jobs/b/b.jsonl`),
  "a torn last line": (disk) => disk.append(`${DATA}/jobs/b/b.jsonl`, '{"at":"20'),
  "a torn line in the middle": (disk) => disk.append(`${DATA}/jobs/b/b.jsonl`, '{"at":"20\n'),
};

/** The ticket of a job in `ready`. */
function ticketOf(disk: SimDisk, id: string): string {
  return disk.tree(`${DATA}/queue/ready`).find((path) => path.endsWith(`.${id}`))!;
}

function twin(disk: SimDisk, id: string, bucket: string, rename: (name: string) => string): void {
  const path = ticketOf(disk, id);
  disk.makeFolder(bucket);
  disk.link(path, `${bucket}/${rename(path.slice(path.lastIndexOf("/") + 1))}`);
}

/** The other kind of name: time before priority. */
function swapped(name: string): string {
  const [rank, time, ...rest] = name.split(".");
  return [time, rank, ...rest].join(".");
}

interface Outcome {
  readonly findings: string[];
  readonly disk: SimDisk;
  readonly store: FileStore;
}

/** Runs a check in which each step of another process comes before the operation of that number. */
async function checkBeside(
  base: SimDisk,
  steps: readonly Step[],
  at: readonly number[],
  repair: boolean,
): Promise<Outcome> {
  const disk = base.copyOf();
  const store = await openAt(disk);
  const first = disk.steps;
  let [next, done, busy] = [0, 0, false];
  const results: Promise<unknown>[] = [];
  disk.failure = () => {
    if (busy) return undefined;
    while (next < steps.length && at[next]! <= done) {
      busy = true; // what the file store does is done when it returns
      results.push(steps[next++]!(store));
      busy = false;
    }
    done++;
    return undefined;
  };
  const found = await check(DATA, disk, { repair });
  disk.failure = () => undefined;
  assertEquals(disk.steps > first, true);
  for (const step of steps.slice(next)) results.push(step(store));
  await Promise.allSettled(results);
  return { findings: found.map(({ path, problem }) => `${path}: ${problem}`), disk, store };
}

/** How many operations a check has that nothing comes between. */
async function operationsOf(base: SimDisk, repair: boolean): Promise<number> {
  const disk = base.copyOf();
  await check(DATA, disk, { repair });
  return disk.steps;
}

/** What was verified already: at most moments what another does comes to the same. */
const verified = new Set<string>();

/** Each job has one ticket, and what waits can run once, beside what already runs. */
async function verify({ disk, store }: Outcome, says: string): Promise<void> {
  const content = disk.fingerprint();
  if (verified.has(content)) return store.close();
  verified.add(content);
  await store.recover();
  const jobs = await Array.fromAsync(store.list({}));
  // The file of a job that runs is its worker's, and is mended later.
  const left = (await check(DATA, disk, { repair: false })).filter(({ path, problem }) =>
    !(problem.startsWith("has a line") && isRunning(jobs, path))
  );
  assertEquals(left.map(({ path, problem }) => `${path}: ${problem}`), [], `${says}: clean`);
  const ids = jobs.map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size, `${says}: no job twice`);
  const files = disk.tree(`${DATA}/jobs`).filter((path) => path.endsWith(".jsonl"));
  assertEquals(ids.length, files.length, `${says}: each job is listed`);
  const busy = jobs.filter(({ status }) => status.state === "processing").map(({ id }) => id);
  const over = jobs.filter(({ status }) => status.state === "completed").map(({ id }) => id);
  await store.close();
  const later = await openAt(disk, NOW + 1e9);
  const ran: string[] = [];
  for (
    let job;
    (job = await later.claim({ worker: "w", pid: 9, host: "box" }, NOW + 1e9)) !== undefined;
  ) {
    ran.push(job.id);
    await changeAs(
      later,
      "w",
      job.id,
      (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW + 1e9),
    );
  }
  assertEquals(ran.length, new Set(ran).size, `${says}: none runs twice: ${ran}`);
  assertEquals(ran.filter((id) => busy.includes(id) || over.includes(id)), [], `${says}: ${ran}`);
  // What waits for others runs when those have.
  const waiting = jobs.filter(({ status: { state } }) =>
    state === "pending" || state === "failed" || state === "blocked"
  );
  assertEquals(ran.sort(), waiting.map(({ id }) => id).sort(), `${says}: all that waits runs`);
  await later.close();
}

function isRunning(jobs: readonly Job[], path: string): boolean {
  return jobs.some(({ id, status }) =>
    status.state === "processing" && path.endsWith(`/${id}.jsonl`)
  );
}

for (const repair of [false, true]) {
  const name = repair ? "check --repair" : "check";
  Deno.test(`${name} finds nothing where nothing is wrong, whatever goes on beside it`, async () => {
    const base = await prepared();
    const total = await operationsOf(base, repair);
    for (const [other, steps] of Object.entries(OTHERS)) {
      for (let at = 0; at <= total + 20; at++) {
        const says = `${other} before operation ${at} of ${name}`;
        const outcome = await checkBeside(base, steps, steps.map(() => at), repair);
        assertEquals(outcome.findings, [], says);
        await verify(outcome, says);
      }
    }
  });

  Deno.test(`${name} is not misled by a ticket that moves twice`, async () => {
    const base = await prepared();
    const total = await operationsOf(base, repair);
    for (const [other, steps] of Object.entries(OTHERS)) {
      if (steps.length < 2) continue;
      // Every pair would take minutes; the distances that matter are within the look at one job.
      for (let at = 0; at <= total; at++) {
        for (const distance of [1, 3, 8, 21, 55]) {
          const says = `${other} before operations ${at} and ${at + distance} of ${name}`;
          const outcome = await checkBeside(base, steps, [at, at + distance], repair);
          assertEquals(outcome.findings, [], says);
        }
      }
    }
  });
}

for (const repair of [false, true]) {
  const name = repair ? "check --repair" : "check";
  Deno.test(`${name} in the middle of what another does finds nothing, and spoils nothing`, async () => {
    const base = await prepared();
    for (const [other, steps] of Object.entries(OTHERS)) {
      let wasReached = true;
      for (let at = 0; wasReached; at++) {
        const disk = base.copyOf();
        const store = await openAt(disk);
        const first = disk.steps;
        const findings = new Findings(disk, DATA, repair);
        wasReached = false;
        disk.failure = (_operation, _path, index) => {
          if (index - first < at) return undefined;
          disk.failure = () => undefined;
          wasReached = true;
          const lock = repair ? disk.lock(lockPath(DATA, REPAIR)) : undefined;
          checkAll({ dataDir: DATA, files: disk, findings }, () => {});
          lock?.release();
          return undefined;
        };
        for (const step of steps) await step(store).catch(() => {});
        disk.failure = () => undefined;
        const says = `${name} before operation ${at} of ${other}`;
        assertEquals(findings.all.map(({ path, problem }) => `${path}: ${problem}`), [], says);
        await verify({ findings: [], disk, store }, says);
      }
    }
  });
}

Deno.test("check --repair beside others spoils nothing in a folder that was copied without its links", async () => {
  const base = await prepared();
  for (const path of base.tree(`${DATA}/queue`).filter((path) => !path.endsWith("/"))) {
    const content = base.readText(path);
    base.remove(path);
    base.create(path, content);
  }
  const total = await operationsOf(base, true);
  for (const other of AT_IT) {
    const steps = OTHERS[other]!;
    for (let at = 0; at <= total; at++) {
      const says = `${other} before operation ${at}`;
      const outcome = await checkBeside(base, steps, steps.map(() => at), true);
      assertEquals(outcome.findings, [], says);
      await verify(outcome, says);
    }
  }
  const disk = base.copyOf();
  disk.remove(ticketOf(disk, "b"));
  const repaired = (await check(DATA, disk, { repair: true })).map(({ repaired }) => repaired);
  assert(repaired.includes("put back as pending"), "one that is missing is found");
});

for (const [damage, apply] of Object.entries(DAMAGES)) {
  Deno.test(`check --repair repairs ${damage}, whatever goes on beside it`, async () => {
    const base = await prepared();
    apply(base);
    const total = await operationsOf(base, true);
    for (const other of AT_IT) {
      const steps = OTHERS[other]!;
      for (let at = 0; at <= total; at++) {
        const says = `${damage}, ${other} before operation ${at}`;
        const outcome = await checkBeside(base, steps, steps.map(() => at), true);
        // What was at work at that moment is left for the next time.
        await check(DATA, outcome.disk, { repair: true });
        await verify(outcome, says);
      }
    }
  });

  Deno.test(`check --repair may die at any step over ${damage}`, async () => {
    const base = await prepared();
    apply(base);
    const disk = base.copyOf();
    disk.log.length = 0;
    await check(DATA, disk, { repair: true });
    const { log } = disk;
    for (let until = 0; until <= log.length; until++) {
      const left = base.after(log, until, until, "none");
      const says = `${damage}, after operation ${until} of ${log.length}`;
      const store = await openAt(left);
      await store.recover();
      const stuck = left.tree(`${DATA}/queue/running`).filter((path) => !path.endsWith("/"));
      assertEquals(stuck, [], `${says}: no ticket is stuck`);
      await check(DATA, left, { repair: true });
      await verify({ findings: [], disk: left, store }, says);
    }
  });
}
