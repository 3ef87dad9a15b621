// Everything that changes the data folder, with a crash after each of its file operations, with
// unsynced data lost in every way, and with each operation failing: afterwards the invariants of
// the design hold, and work goes on.
import { assert, assertEquals } from "@std/assert";
import { loadSetValues } from "../../src/stores/file/settings.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf } from "../../src/queue/job.ts";
import { UNRESTRICTED } from "../../src/queue/queues.ts";
import { ended, retried, unclaimed } from "../../src/queue/transitions.ts";
import { check } from "../../src/stores/file/check.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import type { FileStore } from "../../src/stores/file/store.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { crashes, type SimDisk } from "../support/sim_disk.ts";
import {
  AT_FIRST,
  DATA,
  NOW,
  openAt,
  prepared,
  type Scenario,
  SCENARIOS,
  WORKER,
} from "./scenarios.ts";

/** What must hold after a fault. */
interface Expected {
  /** Whether the action had ended well. */
  readonly done: boolean;
  /** Whether the action said that it could not be done. */
  readonly failed?: boolean;
  /**
   * Whether data that was not synced may be lost, so that a job may run again and files may be
   * torn.
   */
  readonly powerCut: boolean;
}

/** What was verified already: many faults leave the same. */
const verified = new Set<string>();

/**
 * Starts afresh on what a fault left, and checks all that must hold; `says` tells which fault it
 * was.
 */
async function verify(
  disk: SimDisk,
  scenario: Scenario,
  { done, powerCut, failed = false }: Expected,
  says: string,
): Promise<void> {
  const left = [scenario.name, done, powerCut, failed, disk.fingerprint()].join();
  if (verified.has(left)) return;
  verified.add(left);
  let store = await openAt(disk);
  await store.recover();
  await settleDeadWorker(store);
  const findings = await check(DATA, disk, { repair: powerCut });
  if (powerCut) {
    assertEquals(
      (await check(DATA, disk, { repair: false })).map(text),
      [],
      `${says}: clean after repair`,
    );
  } else assertEquals(findings.map(text), [], `${says}: nothing is damaged`);
  loadSetValues(DATA, disk);

  // Every acknowledged job is there, once.
  const listed = await Array.fromAsync(store.list({}));
  const ids = listed.map((job) => job.id).sort();
  assertEquals(ids, [...new Set(ids)], `${says}: no job is listed twice`);
  const counts = await store.count();
  assertEquals(
    Object.values(counts).reduce((a, b) => a + b),
    ids.length,
    `${says}: the counts add up`,
  );
  assertExpectedIds(ids, scenario, { done, powerCut, failed }, says);
  for (const [id, state] of Object.entries(done && !powerCut ? scenario.leaves ?? {} : {})) {
    assertEquals((await store.get(id))?.status.state, state, `${says}: ${id}`);
  }

  // Nobody else takes the key of a job that has not ended.
  for (const { id, unique, status } of listed) {
    if (unique === null || ["completed", "dead", "cancelled"].includes(status.state)) continue;
    const taken: string[] = [];
    await store.add([aJob({ id: `not-${id}`, unique })], (_, holder) => taken.push(holder));
    assertEquals(taken, [id], `${says}: the key of ${id}`);
  }

  // Work goes on: all that waits runs once, and what had completed does not run again.
  await store.close();
  store = await openAt(disk, NOW + 1e9);
  const completed = listed.filter((job) => job.status.state === "completed").map((job) => job.id);
  await store.change("e", (job) => retried(job, NOW)).catch(() => {}); // for those that wait for it
  const queues = new FileQueues(DATA, { files: disk });
  await queues.change((await queues.list()).map(({ name }) => name), () => UNRESTRICTED);
  const ran: string[] = [];
  for (
    let job;
    (job = await store.claim({ worker: "w", pid: 9, host: "box" }, NOW + 1e9)) !== undefined;
  ) {
    assert(ran.length <= ids.length, `${says}: no job is claimed for ever`);
    ran.push(job.id);
    const backoff = { base: 1, max: 1 };
    await store.change(
      job.id,
      (job) => ended(job, anEnding("succeeded"), backoff, NOW + 1e9),
      claimOf(job),
    );
  }
  assertEquals([...new Set(ran)], ran, `${says}: nothing runs twice`);
  assertEquals(
    ran.filter((id) => completed.includes(id)),
    [],
    `${says}: what completed does not run again`,
  );
  for (const job of await Array.fromAsync(store.list({}))) {
    assert(
      ["completed", "dead", "cancelled"].includes(job.status.state),
      `${says}: ${job.id} ends`,
    );
  }
  await store.close();
}

function assertExpectedIds(
  ids: string[],
  scenario: Scenario,
  { done, powerCut, failed }: Expected,
  says: string,
): void {
  const { adds = [], has = [], removes = [], replacesAll } = scenario;
  if (replacesAll !== undefined) {
    const before = [...AT_FIRST, "after"].sort();
    const expected = done || !ids.includes("after") ? [...replacesAll].sort() : before;
    assertEquals(ids, expected, `${says}: the old queue or the new one, whole`);
    return;
  }
  for (const id of [...AT_FIRST, ...has]) {
    assert(ids.includes(id) || removes.includes(id), `${says}: ${id} is there`);
  }
  const added = adds.filter((id) => ids.includes(id));
  if (done) assertEquals(added, adds, `${says}: what was acknowledged is there`);
  else if (failed) assertEquals(added, [], `${says}: what was refused is not there`);
  else {assert(
      added.length === 0 || added.length === adds.length,
      `${says}: all of a batch or none, not ${added}`,
    );}
  if (done && !powerCut) {
    assertEquals(ids.filter((id) => removes.includes(id)), [], `${says}: what was removed is gone`);
  }
}

// deno-lint-ignore require-await -- what the action throws at once becomes a rejection
async function act(scenario: Scenario, store: FileStore, disk: SimDisk): Promise<unknown> {
  return scenario.action(store, disk);
}

/** Does what the next worker does with what a dead one held: here no job had begun. */
async function settleDeadWorker(store: FileStore): Promise<void> {
  for (const job of await store.claimedBy(WORKER)) {
    await store.change(job.id, unclaimed, claimOf(job));
  }
}

const text = ({ path, problem }: { path: string; problem: string }) => `${path}: ${problem}`;

/** The disk on which a scenario happens, and a store on it. */
async function staged(scenario: Scenario): Promise<{ disk: SimDisk; store: FileStore }> {
  const disk = (await prepared()).copyOf();
  const store = await openAt(disk);
  await scenario.before?.(store, disk);
  return { disk, store };
}

for (const scenario of SCENARIOS) {
  Deno.test(`a crash after any file operation of "${scenario.name}" loses nothing`, async () => {
    const { disk, store } = await staged(scenario);
    const base = disk.copyOf();
    disk.log.length = 0;
    await scenario.action(store, disk);
    const { log } = disk;
    const total = log.length;
    let states = 0;
    for (const { disk: left, until, powerCut, says } of crashes(base, log)) {
      await verify(left, scenario, { done: until === total, powerCut }, says);
      states++;
    }
    assert(states > 3 * total);
    // A file system without a journal of names may lose each name whose folder was not synced.
    // (One flush of the whole file system leaves nothing of that to tell.)
    if (log.some(({ kind }) => kind === "syncAll")) return store.close();
    await verify(
      base.afterStrict(log, total),
      scenario,
      { done: true, powerCut: true },
      "only what was synced",
    );
    await store.close();
  });

  Deno.test(`"${scenario.name}" fails cleanly when any file operation fails`, async () => {
    for (const [name, make] of Object.entries(FAILURES)) {
      for (let at = 0;; at++) {
        const { disk, store } = await staged(scenario);
        const first = disk.steps;
        let failed = false;
        disk.failure = (operation, path, index) => {
          if (index - first !== at) return undefined;
          failed = true;
          if (operation === "append") halfWritten(disk, path);
          return make();
        };
        const error = await act(scenario, store, disk).then(
          () => undefined,
          (error) => error as Error,
        );
        disk.failure = () => undefined;
        const says = `operation ${at} fails with ${name}`;
        const isRetried = error !== undefined && scenario.leaves !== undefined;
        if (isRetried) {
          // Whoever tries again with the same store finds it as it should be.
          const again = await act(scenario, store, disk).then(
            () => undefined,
            (error) => error as Error,
          );
          if (again !== undefined) {
            assert(scenario.adds === undefined, `${says}, and again: ${again.stack}`);
            assert(again instanceof QueueError, `${says}, and again: ${again.stack}`);
          }
          for (const [id, state] of Object.entries(scenario.leaves!)) {
            const job = await store.get(id);
            assertEquals(
              job?.status.state,
              state,
              `${says}: ${id} when tried again: ${again?.message}`,
            );
            assertEquals(
              new Set(job!.history.map((one) => one.attempt)).size,
              job!.history.length,
              says,
            );
          }
        }
        try {
          await store.close();
        } catch { /* the next worker puts it right */ }
        if (error !== undefined) {
          assert(failed && !(error instanceof TypeError), `${says}: ${error.stack}`);
        }
        if (error instanceof QueueError) assert(error.code !== "usage", says);
        const outcome = {
          done: error === undefined,
          failed: error !== undefined && !isRetried,
          powerCut: true,
        };
        await verify(disk.copyOf(), scenario, outcome, says);
        if (!failed) break;
      }
    }
  });
}

/** A write that fails may have written something. */
function halfWritten(disk: SimDisk, path: string): void {
  const { failure } = disk;
  disk.failure = () => undefined;
  disk.append(path, '{"at":"2026');
  disk.failure = failure;
}

const FAILURES: Readonly<Record<string, () => Error>> = {
  ENOSPC: () => new Error("No space left on device (os error 28)"),
  EACCES: () => new Deno.errors.PermissionDenied("Permission denied (os error 13)"),
  EIO: () => new Error("Input/output error (os error 5)"),
};
