import { assertEquals } from "@std/assert";
import { cancelled, ended, retried } from "../../src/queue/transitions.ts";
import { restoreLostLines } from "../../src/stores/file/after_reboot.ts";
import { check } from "../../src/stores/file/check.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { currentBoot } from "../../src/system/boot.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { type Loss, SimDisk } from "../support/sim_disk.ts";
import { withTempDir } from "../support/temp_dir.ts";

const BY = { worker: "w", pid: 1, host: "box" };
const DATA = "/data";

for (const loss of ["empty", "cut"] satisfies Loss[]) {
  Deno.test(`a power cut that loses the last line (${loss}) and keeps the ticket's move leaves no job waiting for ever`, async () => {
    const disk = new SimDisk();
    disk.makeFolder(DATA);
    const store = await openFileStore(DATA, { files: disk, now: () => EPOCH });
    for (const id of ["done", "dead", "off", "waits"]) {
      await store.add([aJob({ id, maxRetries: 0 })]);
    }
    await store.add([aJob({ id: "blocked", after: ["waits"] })]);
    const base = disk.copyOf();
    disk.log.length = 0;
    const end = (id: string, outcome: "failed" | "succeeded") =>
      changeAs(
        store,
        BY.worker,
        id,
        (job) => ended(job, anEnding(outcome), { base: 1, max: 1 }, EPOCH),
      );
    assertEquals((await store.claim(BY, EPOCH))?.id, "dead");
    await end("dead", "failed");
    assertEquals((await store.claim(BY, EPOCH))?.id, "done");
    await end("done", "succeeded");
    await store.change("off", (job) => cancelled(job, EPOCH));
    await store.change("blocked", (job) => cancelled(job, EPOCH));
    const left = base.after(disk.log, disk.log.length, disk.log.length, loss);

    const boot = { id: "second", at: EPOCH + 1e6 };
    assertEquals(restoreLostLines(DATA, left, boot), 4);
    assertEquals(restoreLostLines(DATA, left, boot), 0);
    const after = await openFileStore(DATA, { files: left, now: () => EPOCH });
    for (
      const [id, state] of Object.entries({
        done: "completed",
        dead: "dead",
        off: "cancelled",
        blocked: "cancelled",
        waits: "pending",
      })
    ) {
      assertEquals((await after.get(id))?.status.state as string, state);
    }
    const findings = await check(DATA, left, { repair: false });
    assertEquals(findings.filter(({ path }) => !/jobs/.test(path)), []);
    await after.change("dead", (job) => retried(job, EPOCH));
    assertEquals((await after.claim(BY, EPOCH))?.id, "dead");
  });
}

Deno.test("restoreLostLines() looks only after a boot, and leaves what ended long before alone", () =>
  withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles });
    const now = Date.now();
    await store.add([aJob({ id: "a", createdAt: now })]);
    await store.claim(BY, now);
    await store.close();
    const ticket = (at: number) => `${at}.1000000.${now}.0000000.c.a`;
    const [held] = diskFiles.names(`${dir}/queue/running/w`);
    diskFiles.makeFolder(`${dir}/queue/completed/${now}~x`);
    const old = `${dir}/queue/completed/${now}~x/${ticket(now - 3_600_000)}`;
    diskFiles.rename(`${dir}/queue/running/w/${held}`, old);
    assertEquals(restoreLostLines(dir, diskFiles, { id: "1", at: now + 1e6 }), 0);
    diskFiles.rename(old, `${dir}/queue/completed/${now}~x/${ticket(now)}`);
    assertEquals(restoreLostLines(dir, diskFiles, { id: "1", at: now + 1e6 }), 0);
    assertEquals(restoreLostLines(dir, diskFiles, { id: "2", at: now + 1e6 }), 1);
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
  }));

Deno.test("currentBoot() tells the same boot each time, before now", async () => {
  const [one, two] = [await currentBoot(Date.now()), await currentBoot(Date.now())];
  if (Deno.build.os === "windows") return assertEquals(one, undefined);
  assertEquals(one?.id, two?.id);
  assertEquals(one!.at < Date.now() && one!.at > 0, true, `${one?.at}`);
});
