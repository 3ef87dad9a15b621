// What the keeper of a host's lease writes down, and whether a worker may claim by it.
import { assertEquals } from "@std/assert";
import { HostKeeper, type Leases } from "../../src/stores/shared/host_keeper.ts";
import { LeaseFile } from "../../src/stores/shared/lease_file.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

Deno.test("LeaseFile counts from when the store was asked, not from its answer", () =>
  withTempDir((dir) => {
    const seen = (asked: number) => {
      Deno.writeTextFileSync(`${dir}/deadline`, `100.00 60 7 ${asked}\n`);
      return new LeaseFile(diskFiles, dir).epoch();
    };
    assertEquals(new LeaseFile(diskFiles, dir).epoch(), undefined);
    assertEquals([seen(Date.now()), seen(Date.now() - 30_000)], ["7", "7"]);
    // Little is left, or the clock was set back.
    assertEquals([seen(Date.now() - 45_000), seen(Date.now() + 9000)], [undefined, undefined]);
  }));

Deno.test("LeaseFile looks again after a moment", () =>
  withTempDir(async (dir) => {
    const file = new LeaseFile(diskFiles, dir);
    const write = (epoch: string) =>
      Deno.writeTextFileSync(`${dir}/deadline`, `100.00 60 ${epoch} ${Date.now()}\n`);
    write("7");
    assertEquals(file.epoch(), "7");
    write("8");
    await waitUntil(() => file.epoch() === "8");
  }));

/** One that leads its host, whose folder is `dir`. */
function keeperOf(
  dir: string,
  leases: Leases,
  warn: (message: string) => void = () => {},
): HostKeeper {
  return new HostKeeper({
    host: { id: "h", path: dir, guarded: true, hostname: "box" },
    files: diskFiles,
    open: () => leases,
    leads: true,
    ages: () => Promise.resolve(new Map()),
    warn,
  });
}

Deno.test("HostKeeper does not put an earlier deadline in the place of a later one", () =>
  withTempDir(async (dir) => {
    const leases = {
      beat: () =>
        Promise.resolve({ lease: 60, epoch: "7", server: "2026-11-29 10:00:00+00", others: [] }),
      settle: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const writtenOver = async (before: string) => {
      Deno.writeTextFileSync(`${dir}/deadline`, `${before}\n`);
      const keeper = keeperOf(dir, leases);
      await keeper.start();
      await keeper.close();
      return Deno.readTextFileSync(`${dir}/deadline`).trim() !== before;
    };
    // Such as of a worker that had its answer sooner.
    assertEquals(await writtenOver("9999999999.00 60 7 1"), false);
    assertEquals(await writtenOver("1.00 60 7 1"), true);
    assertEquals(new LeaseFile(diskFiles, dir).server(), "2026-11-29_10:00:00+00");
    // Of another lease nothing follows.
    assertEquals(await writtenOver("9999999999.00 90 7 1"), true);
    assertEquals(await writtenOver("9999999999.00 60 6 1"), true);
  }));

Deno.test("HostKeeper tells once why it can't keep the lease, unless the store is away", () =>
  withTempDir(async (dir) => {
    const failures: Error[] = [];
    const [said, told]: [string[], (Error | undefined)[]] = [[], []];
    const leases = {
      beat: () => {
        const failure = failures.shift();
        told.push(failure);
        // So short that signs of life follow one another.
        return failure === undefined
          ? Promise.resolve({ lease: 0.06, epoch: "7", server: "s", others: [] })
          : Promise.reject(failure);
      },
      settle: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    // That such a short lease has run out is told, too.
    const keeper = keeperOf(dir, leases, (message) => {
      if (message.startsWith("Cannot")) said.push(message);
    });
    await keeper.start();
    failures.push(new QueueError("unavailable", "away"), new Error("full"), new Error("full"));
    await waitUntil(() => failures.length === 0 && told.at(-1) === undefined);
    assertEquals(said, [
      "Cannot renew the lease of this host, without which no job runs here: full",
    ]);
    failures.push(new Error("full"));
    await waitUntil(() => said.length === 2);
    await keeper.close();
  }));

Deno.test("HostKeeper tells once that the lease has run out while the store was away", () =>
  withTempDir(async (dir) => {
    let [isAway, beats] = [false, 0];
    const said: string[] = [];
    const leases = {
      beat: () => {
        beats++;
        // It has run out as soon as it is there.
        return isAway
          ? Promise.reject(new QueueError("unavailable", "away"))
          : Promise.resolve({ lease: 0.06, epoch: "7", server: "s", others: [] });
      },
      settle: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const keeper = keeperOf(dir, leases, (message) => said.push(message));
    const passes = async () => {
      const before = beats;
      await waitUntil(() => beats > before + 1);
    };
    await keeper.start();
    for (let times = 1; times <= 2; times++) {
      isAway = true;
      await waitUntil(() => said.length === times);
      await passes();
      isAway = false;
      await passes();
    }
    await keeper.close();
    const words = "The lease of this host has run out: jobs that ran here were ended, " +
      "and are tried again";
    assertEquals(said, [words, words]);
  }));
