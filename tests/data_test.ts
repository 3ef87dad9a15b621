// Data folders that earlier versions have written must be readable for ever. Those under tests/data
// came through git, which keeps neither hard links nor modes nor empty folders: so does many a copy
// that people make.
import { assertEquals } from "@std/assert";
import { loadSetValues } from "../src/stores/file/config_file.ts";
import { readJournal } from "../src/exec/journal.ts";
import type { Job } from "../src/queue/job.ts";
import { removableFromDlq, retried } from "../src/queue/transitions.ts";
import { check } from "../src/stores/file/check.ts";
import { journalPath, logPath } from "../src/stores/file/layout.ts";
import { type FileStore, openFileStore } from "../src/stores/file/store.ts";
import { diskFiles } from "../src/system/file_system.ts";
import { pathOfUrl } from "../src/system/self.ts";
import { goldenJson, makeDataFolder } from "./support/make_data_folder.ts";
import { withTempDir } from "./support/temp_dir.ts";

const DATA = pathOfUrl(new URL("data", import.meta.url).href);
const golden = JSON.parse(Deno.readTextFileSync(`${DATA}/v1.json`));
const NOW = Date.parse("2026-02-01T00:00:00.000Z");

async function withCopy(test: (dir: string, store: FileStore) => Promise<void>): Promise<void> {
  await withTempDir(async (parent) => {
    const dir = `${parent}/v1`;
    copyFolder(`${DATA}/v1`, dir);
    const store = await openFileStore(dir, {
      files: diskFiles,
      now: () => NOW,
      warn: (message) => warnings.push(message),
    });
    const warnings: string[] = [];
    try {
      await test(dir, store);
    } finally {
      store.close();
    }
    assertEquals(warnings, []);
  });
}

function copyFolder(from: string, to: string): void {
  diskFiles.makeFolder(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(`${from}/${name}`, `${to}/${name}`);
    else diskFiles.copy(`${from}/${name}`, `${to}/${name}`);
  }
}

async function all(store: FileStore): Promise<Job[]> {
  return await Array.fromAsync(store.list({}));
}

Deno.test("data folder v1: every job is read as it was written, one by one and in a list", async () => {
  await withCopy(async (_dir, store) => {
    assertEquals(goldenJson(await all(store)), golden);
    for (const id of Object.keys(golden)) {
      assertEquals(goldenJson([(await store.get(id))!]), { [id]: golden[id] });
    }
  });
});

Deno.test("data folder v1: the list is newest first, and the counts add up", async () => {
  await withCopy(async (_dir, store) => {
    const jobs = await all(store);
    assertEquals(jobs.slice(0, 2).map(({ id }) => id), ["batch-33", "batch-32"]);
    assertEquals(jobs.at(-1)?.id, "done");
    const counts = await store.count();
    assertEquals({ ...counts }, {
      pending: 38,
      processing: 1,
      completed: 2,
      failed: 1,
      dead: 2,
      cancelled: 2,
    });
  });
});

Deno.test("data folder v1: a copy without links, modes and empty folders is in order", async () => {
  await withCopy(async (dir) => {
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
  });
});

Deno.test("data folder v1: the configuration, the logs, and what a dead worker had at hand are read", async () => {
  await withCopy(async (dir, store) => {
    assertEquals(loadSetValues(dir, diskFiles), {
      max_retries: 5,
      backoff_base: 1.5,
      log_max: 10_485_760,
    });
    assertEquals(diskFiles.readText(logPath(dir, "done-at-last", 3)), "done-at-last, attempt 3\n");
    const held = await store.claimedBy("worker-1");
    assertEquals(held.map(({ id }) => id), ["runs"]);
    const run = {
      id: "runs",
      attempt: 2,
      startedAt: Date.parse(golden.runs.history[1].started_at),
    };
    const { shell, began, end } = readJournal(diskFiles, journalPath(dir, "worker-1"), run);
    assertEquals([shell?.pid, shell?.start, end], [4243, "12345", undefined]);
    assertEquals(new Date(began!).toISOString(), golden.runs.history[1].started_at);
  });
});

Deno.test("data folder v1: work goes on in it", async () => {
  await withCopy(async (dir, store) => {
    await store.change("dead", (job) => retried(job, NOW));
    await store.remove("dead-again", removableFromDlq);
    const order: string[] = [];
    for (;;) {
      const job = await store.claim({ worker: "worker-2", pid: 1 }, NOW);
      if (job === undefined) break;
      order.push(job.id);
    }
    const batch = Array.from({ length: 34 }, (_, i) => `batch-${i}`);
    assertEquals(order, ["urgent", "handed-back", "waits", ...batch, "dead"]);
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
  });
});

Deno.test("data folder v1 is what this version writes: if not, keep it and put a v2 beside it", async () => {
  await withTempDir(async (parent) => {
    assertEquals(goldenJson(await makeDataFolder(parent)), golden);
    const [now, then] = [shape(parent), shape(`${DATA}/v1`)];
    const paths = new Set([...Object.keys(now), ...Object.keys(then)]);
    assertEquals([...paths].filter((path) => now[path] !== then[path]), []);
  });
});

/**
 * The files of a folder with their contents, but for what differs each time: the marks of processes
 * in names.
 */
function shape(dir: string, under = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(`${dir}${under}`)) {
    const path = `${under}/${name}`;
    if (isDirectory) Object.assign(files, shape(dir, path));
    else files[path.replace(/~[A-Za-z0-9]+/g, "~")] = Deno.readTextFileSync(`${dir}${path}`);
  }
  return files;
}
