// Data folders of earlier versions must be readable for ever. Those under tests/data came through
// git, which keeps neither hard links nor modes nor empty folders, like many copies that people
// make.
import { assertEquals } from "@std/assert";
import { loadSetValues } from "../src/stores/file/settings.ts";
import { readJournal } from "../src/exec/journal.ts";
import { type Job, JOB_STATES } from "../src/queue/job.ts";
import type { JobReader } from "../src/queue/store.ts";
import { cancelled, removableFromDlq, retried } from "../src/queue/transitions.ts";
import { check } from "../src/stores/file/check.ts";
import { journalPath, logPath } from "../src/stores/file/layout.ts";
import { openReader } from "../src/stores/file/reader.ts";
import { type FileStore, openFileStore } from "../src/stores/file/store.ts";
import { diskFiles } from "../src/system/file_system.ts";
import { pathOfUrl } from "../src/system/self.ts";
import { aJob } from "./support/jobs.ts";
import { goldenJson, makeDataFolder } from "./support/make_data_folder.ts";
import { withTempDir } from "./support/temp_dir.ts";

const DATA = pathOfUrl(new URL("data", import.meta.url).href);
const NOW = Date.parse("2026-02-01T00:00:00.000Z");

/** What the job of a version reads as today, where that version did not know it. */
const UNKNOWN_TO: Readonly<Record<string, { job: object; attempt: object }>> = {
  v1: {
    job: {
      queue: "default",
      group: null,
      after: [],
      after_any: [],
      unique: null,
      start_by: null,
      schedule: null,
      reason: null,
    },
    attempt: { host: null },
  },
  v2: { job: {}, attempt: {} },
};
/** What this version writes. */
const LATEST = "v2";
const BATCH = Array.from({ length: 34 }, (_, i) => `batch-${i}`);

interface Golden {
  readonly state: string;
  readonly history: { readonly started_at: string; readonly ended_at: string | null }[];
}

function goldenOf(version: string): Record<string, Golden> {
  const golden: Record<string, Golden> = JSON.parse(
    Deno.readTextFileSync(`${DATA}/${version}.json`),
  );
  const { job: unknown, attempt } = UNKNOWN_TO[version]!;
  return Object.fromEntries(
    Object.entries(golden).map(([id, { history, ...job }]) => [id, {
      ...unknown,
      ...job,
      // Of the one that runs, the worker's record tells the host.
      history: history.map((one) => ({
        ...(one.ended_at === null ? { host: "example" } : attempt),
        ...one,
      })),
    }]),
  );
}

async function withCopy(
  version: string,
  test: (dir: string, store: FileStore) => Promise<void>,
): Promise<void> {
  await withTempDir(async (parent) => {
    const dir = `${parent}/${version}`;
    copyFolder(`${DATA}/${version}`, dir);
    const store = await openFileStore(dir, {
      files: diskFiles,
      now: () => NOW,
      warn: (message) => warnings.push(message),
    });
    const warnings: string[] = [];
    try {
      await test(dir, store);
    } finally {
      await store.close();
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

async function all(store: JobReader): Promise<Job[]> {
  return await Array.fromAsync(store.list({}));
}

for (const version of Object.keys(UNKNOWN_TO)) {
  const golden = goldenOf(version);

  Deno.test(`data folder ${version}: every job is read as it was written, one by one and in a list`, async () => {
    await withCopy(version, async (_dir, store) => {
      assertEquals(goldenJson(await all(store)), golden);
      for (const id of Object.keys(golden)) {
        assertEquals(goldenJson([(await store.get(id))!]), { [id]: golden[id] });
      }
    });
  });

  Deno.test(`data folder ${version}: the list is newest first, and the counts add up`, async () => {
    await withCopy(version, async (_dir, store) => {
      const jobs = await all(store);
      assertEquals(jobs.slice(0, 2).map(({ id }) => id), ["batch-33", "batch-32"]);
      assertEquals(jobs.at(-1)?.id, "done");
      const states = Object.values(golden).map(({ state }) => state);
      const counts = JOB_STATES.map((state) => [state, states.filter((s) => s === state).length]);
      assertEquals({ ...await store.count() }, Object.fromEntries(counts));
    });
  });

  Deno.test(`data folder ${version}: a copy without links, modes and empty folders is in order`, async () => {
    await withCopy(version, async (dir) => {
      assertEquals(await check(dir, diskFiles, { repair: false }), []);
    });
  });

  Deno.test(`data folder ${version}: the configuration, the logs, and what a dead worker had at hand are read`, async () => {
    await withCopy(version, async (dir, store) => {
      assertEquals(loadSetValues(dir, diskFiles), {
        max_retries: 5,
        backoff_base: 1.5,
        log_max: 10_485_760,
      });
      const log = diskFiles.readText(logPath(dir, "done-at-last", 3));
      assertEquals(log, "done-at-last, attempt 3\n");
      const held = await store.claimedBy("worker-1");
      assertEquals(held.map(({ id }) => id), ["runs"]);
      const { started_at } = golden["runs"]!.history[1]!;
      const run = { id: "runs", attempt: 2, startedAt: Date.parse(started_at) };
      const { shell, began, end } = readJournal(diskFiles, journalPath(dir, "worker-1"), run);
      assertEquals([shell?.pid, shell?.start, end], [4243, "12345", undefined]);
      assertEquals(new Date(began!).toISOString(), started_at);
    });
  });

  Deno.test(`data folder ${version}: work goes on in it`, async () => {
    await withCopy(version, async (dir, store) => {
      await store.change("dead", (job) => retried(job, NOW));
      await store.remove("dead-again", removableFromDlq);
      await store.add([aJob({ id: "new", createdAt: NOW, after: ["waits"] })]);
      const order: string[] = [];
      for (;;) {
        const job = await store.claim({ worker: "worker-2", pid: 1, host: "box" }, NOW);
        if (job === undefined) break;
        order.push(job.id);
      }
      const waiting = ["urgent", "handed-back", "waits"];
      const added = version === "v1" ? [] : ["in-a-queue", "of-a-schedule", "released"];
      assertEquals(order, [...waiting, ...added, ...BATCH, "dead"]);
      await store.change("new", (job) => cancelled(job, NOW));
      assertEquals(await check(dir, diskFiles, { repair: false }), []);
    });
  });
}

Deno.test("data folder v1: it is read where nothing may be written, with all folders it has", async () => {
  await withTempDir(async (parent) => {
    const dir = `${parent}/v1`;
    copyFolder(`${DATA}/v1`, dir);
    for (const folder of ["control", "damaged", "tmp"]) diskFiles.makeFolder(`${dir}/${folder}`);
    const refuse = () => {
      throw new Deno.errors.PermissionDenied("read-only");
    };
    const files = { ...diskFiles, makeFolder: refuse, create: refuse, rename: refuse };
    const reader = await openReader(dir, files, () => {});
    assertEquals(goldenJson(await all(reader)), goldenOf("v1"));
    assertEquals((await reader.count()).blocked, 0);
    assertEquals(diskFiles.info(`${dir}/queue/blocked`), undefined);
    (await openReader(dir, diskFiles, () => {})).close();
    assertEquals(diskFiles.info(`${dir}/queue/blocked`)?.kind, "folder");
  });
});

Deno.test(`data folder ${LATEST} is what this version writes: if not, keep it and put a new one beside it`, async () => {
  await withTempDir(async (parent) => {
    assertEquals(goldenJson(await makeDataFolder(parent)), goldenOf(LATEST));
    const [now, then] = [shape(parent), shape(`${DATA}/${LATEST}`)];
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
