import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { check } from "../../src/stores/file/check.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { diskFiles, type FileSystem } from "../../src/system/file_system.ts";
import { aJob } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { set, testQueues } from "./queue_conformance.ts";

testQueues("MemoryQueues", async (test, now) => {
  const jobs = new MemoryStore(now);
  await test({ jobs, others: jobs, queues: jobs.queues });
});

testQueues("FileQueues", (test, now) =>
  withTempDir(async (dir) => {
    const jobs = await openFileStore(dir, { files: diskFiles, now });
    const others = await openFileStore(dir, { files: diskFiles, now });
    try {
      await test({ jobs, others, queues: new FileQueues(dir, { files: diskFiles, now }) });
    } finally {
      await jobs.close();
      others.close();
    }
  }));

interface Folder {
  readonly dir: string;
  readonly queues: FileQueues;
  readonly warnings: string[];
  /** A store as another process opens it. */
  open(): Promise<FileStore>;
}

/** A folder with 40 jobs in a paused queue, which are set aside. */
function withHeld(test: (folder: Folder) => Promise<void>): Promise<void> {
  return withTempDir(async (dir) => {
    const opened: FileStore[] = [];
    const warnings: string[] = [];
    const open = async () => {
      const warn = (message: string) => void warnings.push(message);
      const store = await openFileStore(`${dir}/data`, { files: diskFiles, warn });
      opened.push(store);
      return store;
    };
    Deno.mkdirSync(`${dir}/data`, { mode: 0o700 });
    const queues = new FileQueues(`${dir}/data`, { files: diskFiles });
    const store = await open();
    await store.add(
      Array.from(
        { length: 40 },
        (_, sequence) => aJob({ id: `q${sequence}`, queue: "q", sequence }),
      ),
    );
    await set(queues, "q", { paused: true });
    assertEquals(await claimed(store), undefined);
    assertEquals(diskFiles.names(`${dir}/data/queue/held/q`).length, 1);
    await store.close();
    try {
      await test({ dir, queues, warnings, open });
    } finally {
      for (const one of opened) await one.close();
    }
  });
}

const claimed = async (store: FileStore) =>
  (await store.claim({ worker: "w", pid: 1, host: "box" }, Date.now()))?.id;

const found = async (dir: string, repair = false) =>
  (await check(`${dir}/data`, diskFiles, { repair })).map(({ path, problem }) =>
    `${path.slice(`${dir}/data/`.length)} ${problem}`
  );

Deno.test("FileQueues: a check finds nothing wrong with tickets that are set aside", () =>
  withHeld(async ({ dir, open }) => {
    assertEquals(await found(dir), []);
    diskFiles.create(`${dir}/data/queue/held/-x`, "");
    diskFiles.makeFolder(`${dir}/data/queue/gates/x`);
    const strangers = await found(dir);
    assertEquals(strangers.length, 2);
    for (const says of strangers) assertStringIncludes(says, "does not belong here");
    await found(dir, true);
    assertEquals(await found(dir), []);
    assertEquals((await (await open()).count()).pending, 40);
  }));

Deno.test("FileQueues: a damaged file of settings is named, and put aside by a repair", () =>
  withHeld(async ({ dir, queues, warnings, open }) => {
    const path = `${dir}/data/queues.json`;
    for (const text of ["", "[]", '{"schema":1}', '{"schema":1,"queues":{"q":{"limit":"x"}}}']) {
      diskFiles.remove(path);
      diskFiles.create(path, text);
      const acts = [
        () => queues.list(),
        () => queues.settings(),
        () => set(queues, "q", { limit: 1 }),
      ];
      for (const act of acts) {
        const { code } = await assertRejects(act, QueueError, "queues.json is damaged");
        assertEquals(code, "damaged");
      }
    }
    // The jobs go on as though nothing was set: that is what was damaged.
    const store = await open();
    assertEquals([await claimed(store), await claimed(store)], ["q0", "q1"]);
    assertStringIncludes(warnings[0] ?? "", "queues.json is damaged");
    assertEquals(warnings.length, 1);
    const [problem] = await found(dir, true);
    assertStringIncludes(problem ?? "", "queues.json can't be used");
    await set(queues, "q", { limit: 1 });
    assertEquals(await found(dir), []);
  }));

Deno.test("FileQueues: a folder in the place of the settings is named, and put aside", () =>
  withHeld(async ({ dir, queues }) => {
    const path = `${dir}/data/queues.json`;
    diskFiles.remove(path);
    diskFiles.makeFolder(path);
    for (const act of [() => queues.list(), () => set(queues, "q", { limit: 1 })]) {
      const { code } = await assertRejects(act, QueueError, "queues.json is not a file");
      assertEquals(code, "damaged");
    }
    const [problem] = await found(dir, true);
    assertStringIncludes(problem ?? "", "queues.json is a folder");
    await set(queues, "q", { limit: 1 });
    assertEquals(await found(dir), []);
  }));

Deno.test("FileQueues: a missing file of settings lets go on what was set aside", () =>
  withHeld(async ({ dir, open }) => {
    diskFiles.remove(`${dir}/data/queues.json`);
    assertEquals(await claimed(await open()), "q0");
  }));

Deno.test("FileQueues: files of other programs keep no queue from being resumed", () =>
  withHeld(async ({ dir, queues, open }) => {
    const held = `${dir}/data/queue/held`;
    const [bucket] = diskFiles.names(`${held}/q`);
    diskFiles.makeFolder(`${held}/q/0999999.1795887160000`);
    for (const at of ["", "/q", `/q/${bucket}`, "/q/0999999.1795887160000"]) {
      diskFiles.create(`${held}${at}/.DS_Store`, "");
    }
    await set(queues, "q", { paused: false });
    const store = await open();
    const ids: string[] = [];
    for (let id; (id = await claimed(store)) !== undefined;) ids.push(id);
    assertEquals(ids.length, 40);
  }));

Deno.test("FileQueues: a backup takes settings and jobs that are set aside along", () =>
  withHeld(async ({ dir, queues, open }) => {
    backup(`${dir}/data`, `${dir}/copy`, diskFiles);
    await set(queues, "q", { paused: false });
    await set(queues, "other", { limit: 3 });
    await restore(`${dir}/data`, `${dir}/copy`, diskFiles);
    const views = (await queues.list()).map(({ name, waiting, paused }) => [name, waiting, paused]);
    assertEquals(views, [["default", 0, false], ["q", 40, true]]);
    assertEquals(await claimed(await open()), undefined);
    assertEquals(await found(dir), []);
    await set(queues, "q", { paused: false });
    assertEquals(await claimed(await open()), "q0");
  }));

Deno.test("FileQueues: a restore without settings puts none in the place of those there are", () =>
  withTempDir(async (dir) => {
    for (const name of ["data", "other"]) Deno.mkdirSync(`${dir}/${name}`);
    const other = await openFileStore(`${dir}/other`, { files: diskFiles });
    await other.add([aJob({ id: "a", queue: "q" })]);
    backup(`${dir}/other`, `${dir}/copy`, diskFiles);
    await other.close();
    await (await openFileStore(`${dir}/data`, { files: diskFiles })).close();
    const queues = new FileQueues(`${dir}/data`, { files: diskFiles });
    await set(queues, "q", { paused: true });
    await restore(`${dir}/data`, `${dir}/copy`, diskFiles);
    assertEquals((await queues.list()).map(({ name, paused }) => [name, paused]), [
      ["default", false],
      ["q", false],
    ]);
  }));

Deno.test("FileQueues: begins that a crash has torn, or that are garbage, keep no job for ever", () =>
  withHeld(async ({ dir, queues, open }) => {
    await set(queues, "q", { paused: false, rate: { count: 2, seconds: 3600 } });
    const store = await open();
    assertEquals([await claimed(store), await claimed(store)], ["q0", "q1"]);
    assertEquals(await claimed(store), undefined);
    const path = `${dir}/data/queue/gates/q.begins`;
    diskFiles.append(path, "17958");
    assertEquals(await claimed(await open()), undefined);
    diskFiles.remove(path);
    diskFiles.create(path, "x".repeat(100));
    const late = await open();
    assertEquals([await claimed(late), await claimed(late)], ["q2", "q3"]);
    assertEquals(await claimed(late), undefined);
  }));

for (const way of ["put back", "set aside"]) {
  Deno.test(`FileStore: count() and list() of queues miss no job that is ${way} meanwhile`, () =>
    withHeld(async ({ dir }) => {
      const [ready, held] = [`${dir}/data/queue/ready`, `${dir}/data/queue/held`];
      const [bucket] = diskFiles.names(`${held}/q`);
      const [aside, inLine] = [`${held}/q/${bucket}`, `${ready}/${bucket}~x1`];
      let toMove = false;
      const move = (from: string, to: string) => {
        toMove = false;
        diskFiles.makeFolder(to);
        for (const name of diskFiles.names(from)) {
          diskFiles.rename(`${from}/${name}`, `${to}/${name}`);
        }
        diskFiles.removeFolder(from);
      };
      const files: FileSystem = {
        ...diskFiles,
        names(path) {
          const names = diskFiles.names(path);
          if (toMove && way === "put back" && path === ready) move(aside, inLine);
          if (toMove && way === "set aside" && path === held) move(inLine, aside);
          return names;
        },
      };
      const store = await openFileStore(`${dir}/data`, { files });
      const queues = new FileQueues(`${dir}/data`, { files });
      try {
        if (way === "set aside") move(aside, inLine);
        toMove = true;
        assertEquals((await store.count()).pending, 40);
        assertEquals(toMove, false);
        if (way === "put back") move(inLine, aside);
        else move(aside, inLine);
        toMove = true;
        const { waiting } = (await queues.list()).find(({ name }) => name === "q")!;
        assertEquals(waiting, 40);
        assertEquals(toMove, false);
      } finally {
        await store.close();
      }
    }));
}
