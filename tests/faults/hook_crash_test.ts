// The end of a job with a hook, with a crash before and after each of its file operations, with
// unsynced data lost, and with each operation failing: the hook's job exists exactly once.
import { assert, assertEquals } from "@std/assert";
import { hookFor } from "../../src/queue/hooks.ts";
import type { Job } from "../../src/queue/job.ts";
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";
import { ended } from "../../src/queue/transitions.ts";
import { check } from "../../src/stores/file/check.ts";
import type { FileStore } from "../../src/stores/file/store.ts";
import { anEnding, changeAs } from "../support/jobs.ts";
import { crashes, type SimDisk } from "../support/sim_disk.ts";
import { DATA, NOW, openAt, prepared, WORKER } from "./scenarios.ts";

const SETTINGS = { ...DEFAULT_SETTINGS, on_completed: "notify", on_dead: "alarm" };
const BACKOFF = { base: 2, max: 60 };

/** The end of job b, as its worker, or whoever adopts it, records it. */
function record(store: FileStore, now = NOW): Promise<Job> {
  return changeAs(
    store,
    WORKER,
    "b",
    (job) => ended(job, anEnding("succeeded"), BACKOFF, now),
    (after) => hookFor(after, SETTINGS, now),
  );
}

async function staged(): Promise<{ disk: SimDisk; store: FileStore }> {
  const before = (await prepared()).copyOf();
  const first = await openAt(before);
  assertEquals((await first.claim({ worker: WORKER, pid: 7, host: "box" }, NOW))?.id, "b");
  const disk = before.copyOf();
  return { disk, store: await openAt(disk) };
}

/** Whoever comes next completes it: job b has ended, and its hook is there and runs once. */
async function verify(
  disk: SimDisk,
  says: string,
  powerCut: boolean,
  recoverFirst = true,
): Promise<void> {
  const store = await openAt(disk, NOW + 1000);
  if (recoverFirst) await store.recover();
  // As who takes the worker's place does: by the journal the job has ended, now as then.
  for (const { id } of await store.claimedBy(WORKER)) {
    if (id === "b") await record(store, NOW + 500);
  }
  if (!recoverFirst) await store.recover();
  if (powerCut) await check(DATA, disk, { repair: true });
  const claimed: string[] = [];
  const by = { worker: "w", pid: 9, host: "box" };
  for (let job; (job = await store.claim(by, NOW + 1000)) !== undefined;) claimed.push(job.id);
  const found = await check(DATA, disk, { repair: false });
  assertEquals(found.map(({ path, problem }) => `${path} ${problem}`), [], says);
  assertEquals((await store.get("b"))?.status.state, "completed", says);
  assertEquals((await store.get("b"))?.history.length, 1, says);
  const hooks = await Array.fromAsync(store.list({ queue: "hooks" }));
  assertEquals(hooks.map(({ env }) => env["QUEUECTL_HOOK_JOB_ID"]), ["b"], says);
  assertEquals(claimed.filter((id) => id.startsWith("hook-")), [hooks[0]!.id], says);
  await store.close();
}

Deno.test("a crash after any file operation of an end with a hook neither loses the hook nor doubles it", async () => {
  const { disk, store } = await staged();
  const base = disk.copyOf();
  disk.log.length = 0;
  await record(store);
  const { log } = disk;
  assert(log.length > 5);
  for (const { disk, says, powerCut } of crashes(base, log)) await verify(disk, says, powerCut);
  for (let until = 0; until <= log.length; until++) {
    const says = `after ${until} of ${log.length}, settled before the rest`;
    await verify(base.after(log, until, until, "none"), says, false, false);
  }
  await verify(base.afterStrict(log, log.length), "only what was synced", true);
  await store.close();
});

Deno.test("an end with a hook that fails at any file operation is recorded once when tried again", async () => {
  for (let at = 0;; at++) {
    const { disk, store } = await staged();
    const first = disk.steps;
    let failed = false;
    disk.failure = (_operation, _path, index) => {
      if (index - first !== at) return undefined;
      failed = true;
      return new Error("No space left on device (os error 28)");
    };
    const says = `operation ${at} fails`;
    // As the recorder does: until it works, or the job has it on record.
    for (let tries = 0; tries < 3; tries++) {
      const error = await record(store, NOW + tries).then(() => undefined, (error) => error);
      if (error === undefined) break;
      assert(tries < 2, `${says}: ${error.stack}`);
      if ((await store.get("b"))?.status.state === "completed" && error.code === "claim_lost") {
        break;
      }
    }
    disk.failure = () => undefined;
    await store.close();
    await verify(disk.copyOf(), says, false);
    if (!failed) break;
  }
});

Deno.test("a repair adds the hook of a job whose ticket still lies where it waited", async () => {
  const { disk, store } = await staged();
  await record(store);
  await store.close();
  // What a power cut may leave: the end is on file, and neither the claim nor what came after it is.
  const before = (await prepared()).copyOf();
  const path = `${DATA}/jobs/b/b.jsonl`;
  before.append(path, disk.readText(path).slice(before.readText(path).length));
  await verify(before.copyOf(), "by a claim", false);
  await check(DATA, before, { repair: true });
  await verify(before.copyOf(), "by a repair", false);
});
