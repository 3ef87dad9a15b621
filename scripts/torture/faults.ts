// What is done to a queue at work: processes killed and stopped, commands called, files damaged,
// the clock set.
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { Job } from "../../src/queue/job.ts";
import type { Random } from "./random.ts";
import { pause } from "../../src/exec/timer.ts";
import type { Scene } from "./scene.ts";

const WEIGHTS = {
  killWorker: 10,
  killShell: 4,
  killWorkerAndShell: 3,
  killSupervisor: 4,
  killEnqueuer: 6,
  killJob: 2,
  killQueue: 2,
  killAll: 2,
  freezeWorker: 4,
  freezeSupervisor: 2,
  freezeShell: 2,
  stop: 2,
  stopForce: 2,
  cancel: 8,
  cancelKilled: 2,
  retry: 4,
  removeDead: 2,
  cleanup: 2,
  cleanupKilled: 1,
  backup: 1,
  check: 3,
  repair: 2,
  damageJob: 4,
  damageTicket: 2,
  damageRecord: 3,
  setClock: 3,
} as const;

type Fault = keyof typeof WEIGHTS;

/** Ended jobs that a cleanup may since have removed, as they were. */
export type Archive = Map<string, Job>;

export interface Tormentor {
  /**
   * Does one thing after another until `ending` aborts; returns when all that was begun has ended.
   */
  run(ending: AbortSignal): Promise<void>;
  readonly archive: Archive;
}

export function tormentor(scene: Scene, random: Random): Tormentor {
  const archive: Archive = new Map();
  const underWay = new Set<Promise<void>>();
  const frozen = new Set<number>();
  const begin = (action: Promise<void>) => {
    const done = action.catch((error) => scene.problem(`The torture itself failed: ${error.stack}`))
      .finally(() => underWay.delete(done));
    underWay.add(done);
  };

  const kill = (pid: number | undefined, what: string) => {
    if (pid !== undefined && scene.signal(pid, "SIGKILL")) {
      scene.did("kills", `${what} ${pid}`), scene.count(what);
    }
  };

  const freeze = async (pid: number | undefined, what: string, seconds: number) => {
    if (pid === undefined || frozen.has(pid) || !scene.signal(pid, "SIGSTOP")) return;
    frozen.add(pid);
    scene.did("stopped for a while", `${what} ${pid} ${seconds.toFixed(1)}`);
    await pause(seconds * 1000);
    scene.signal(pid, "SIGCONT");
    frozen.delete(pid);
  };

  const faults: Record<Fault, () => void | Promise<void>> = {
    killWorker: () => kill(random.pick(scene.workers())?.pid, "worker killed"),
    killShell: () => kill(random.pick(scene.shells())?.pid, "shell killed"),
    killWorkerAndShell() {
      const worker = random.pick(scene.workers());
      const shell = scene.shells().find(({ name }) => name === worker?.name);
      kill(worker?.pid, "worker killed");
      kill(shell?.pid, "shell killed");
    },
    killSupervisor: () => kill(random.pick([...scene.supervisors]), "supervisor killed"),
    async killEnqueuer() {
      const [draw, wait] = [random.next(), random.between(0, 150)];
      // One that has begun just now, so that it is hit at any point of its short life.
      const known = new Set(scene.enqueuers);
      const fresh = () => [...scene.enqueuers].filter((pid) => !known.has(pid));
      for (let n = 0; n < 200 && fresh().length === 0; n++) await pause(5);
      const running = fresh();
      await pause(wait);
      kill(running[Math.floor(draw * running.length)], "enqueuer killed");
    },
    killJob() {
      const shells = scene.shells().map(({ pid }) => pid);
      const jobs = scene.processes().filter(({ parent, command }) =>
        shells.includes(parent) && command.includes("job.sh")
      );
      // A family's children hold its lock, and would outlive it: that is no fault of the program.
      kill(
        random.pick(jobs.filter(({ command }) => !/ (?:family|slow|deaf|noisy) /.test(command)))
          ?.pid,
        "job killed",
      );
    },
    killQueue() {
      const shells = new Set(scene.shells().map(({ pid }) => pid));
      const all = scene.processes().filter(({ command }) => / (?:start|worker) /.test(command));
      scene.did("all workers and supervisors killed at once");
      for (const { pid } of all) if (!shells.has(pid)) kill(pid, "process killed");
    },
    killAll() {
      scene.did("everything killed at once");
      // What is forked meanwhile is found the second time.
      for (let n = 0; n < 2; n++) {
        for (const { pid } of scene.processes()) kill(pid, "process killed");
      }
    },
    freezeWorker() {
      begin(freeze(random.pick(scene.workers())?.pid, "worker", random.between(0.5, 4)));
    },
    freezeSupervisor() {
      begin(freeze(random.pick([...scene.supervisors]), "supervisor", random.between(0.5, 4)));
    },
    freezeShell: () =>
      begin(freeze(random.pick(scene.shells())?.pid, "shell", random.between(0.5, 2))),
    stop: () => begin(stop(scene, [])),
    stopForce: () => begin(stop(scene, ["--force"])),
    cancel: () => begin(cancel(scene, random.next())),
    cancelKilled: () =>
      begin(killed(scene, random, ["job", "cancel", anId(scene, random.next()) ?? "none"])),
    retry() {
      const [all, draw, after] = [random.chance(0.4), random.next(), random.between(20, 150)];
      const dies = random.chance(0.3);
      const id = idOn(scene, "dead", draw);
      if (!all && id === undefined) return;
      const words = ["dlq", "retry", all ? "--all" : id!];
      if (dies) begin(killedAfter(scene, words, after));
      else {
        begin(
          scene.call(words).then(({ stdout }) =>
            scene.did("dlq retries", `${words} ${stdout.trim()}`)
          ),
        );
      }
    },
    removeDead: () =>
      begin(removeDead(scene, random.next(), random.chance(0.3), random.between(20, 150))),
    cleanup: () => begin(cleanup(scene, archive, undefined)),
    cleanupKilled: () => begin(cleanup(scene, archive, random.between(20, 200))),
    backup: () => begin(backup(scene)),
    check: () => begin(check(scene)),
    repair: () => begin(repair(scene)),
    damageJob: () => damageJob(scene, random),
    damageTicket: () => damageTicket(scene, random),
    damageRecord: () => damageRecord(scene, random),
    setClock() {
      if (!scene.canSetClock) return;
      const offset = random.chance(0.4) ? 0 : -random.int(100, 60_000);
      scene.setClock(offset);
      scene.did("clock set", String(offset));
    },
  };

  return {
    archive,
    async run(ending) {
      await pause(500);
      while (!ending.aborted) {
        const fault = random.weighted(WEIGHTS);
        const wait = random.between(50, 1200);
        await faults[fault]();
        await pause(wait);
      }
      for (const pid of frozen) scene.signal(pid, "SIGCONT");
      await Promise.all(underWay);
    },
  };
}

/** A job that was planned or acknowledged; the later ones more often, since they wait or run. */
function anId(scene: Scene, draw: number): string | undefined {
  const ids = [...scene.acknowledged];
  return ids[ids.length - 1 - Math.floor(draw * draw * Math.min(ids.length, 200))];
}

/** The path of a ticket on that shelf. */
function ticketOn(scene: Scene, shelf: string, draw: number): string | undefined {
  const folder = `${scene.dataDir}/queue/${shelf}`;
  const paths = scene.names(folder).flatMap((bucket) =>
    scene.names(`${folder}/${bucket}`).map((name) => `${folder}/${bucket}/${name}`)
  );
  return paths[Math.floor(draw * paths.length)];
}

/** The id of a job by a ticket of it on that shelf. */
function idOn(scene: Scene, shelf: string, draw: number): string | undefined {
  return ticketOn(scene, shelf, draw)?.replace(/^.*\//, "").replace(/^(?:\d+\.){4}[a-z]\d*\./, "");
}

/** Calls a command and kills it at once or a little later. */
async function killed(scene: Scene, random: Random, words: string[]): Promise<void> {
  await killedAfter(scene, words, random.between(20, 250));
}

async function killedAfter(scene: Scene, words: string[], wait: number): Promise<void> {
  const { pid, ended } = scene.start(words);
  await pause(wait);
  if (scene.signal(pid, "SIGKILL")) scene.did("commands killed", words.join(" "));
  const result = await ended;
  scene.checkWords(result);
}

async function stop(scene: Scene, words: string[]): Promise<void> {
  scene.did(words.length === 0 ? "stops" : "forced stops");
  const { code, stderr } = await scene.call(["stop", ...words], { limit: 40 });
  scene.note(`stop ended with ${code}: ${stderr.trim()}`);
  if (code !== null && code !== 0) scene.problem(`stop ended with exit code ${code}: ${stderr}`);
}

async function cancel(scene: Scene, draw: number): Promise<void> {
  const id = anId(scene, draw);
  if (id === undefined) return;
  const { code, stdout, stderr } = await scene.call(["job", "cancel", id]);
  scene.did("cancels", `${id}: ${code} ${stdout.trim()}${stderr.trim()}`);
  if (code === 0 && stdout === `Cancelled ${id}\n`) scene.cancelled.add(id);
  else if (code === 0) scene.problem(`job cancel ${id} said ${stdout}${stderr}`);
}

async function removeDead(scene: Scene, draw: number, dies: boolean, wait: number): Promise<void> {
  const id = idOn(scene, "dead", draw);
  if (id === undefined) return;
  const words = ["dlq", "remove", id];
  if (dies) {
    scene.perhapsRemoved.add(id);
    return await killedAfter(scene, words, wait);
  }
  const { code, stdout, stderr } = await scene.call(words);
  scene.did("dlq removals", `${id}: ${stdout.trim()}${stderr.trim()}`);
  if (code === null) scene.perhapsRemoved.add(id);
  if (stdout === `Removed ${id}\n`) scene.removed.add(id);
}

async function cleanup(scene: Scene, archive: Archive, dies: number | undefined): Promise<void> {
  // What has ended for good does not change any more, so what is known of it now is what counts in
  // the end.
  const store = await openFileStore(scene.dataDir, { files: diskFiles });
  try {
    for await (const job of store.list({ states: ["completed", "cancelled"] })) {
      archive.set(job.id, job);
    }
  } finally {
    store.close();
  }
  const words = ["storage", "cleanup", "--older-than=15"];
  if (dies !== undefined) return await killedAfter(scene, words, dies);
  const { code, stdout, stderr } = await scene.call(words);
  scene.did("cleanups", `${code} ${stdout.trim()} ${stderr.trim()}`);
}

let backups = 0;

async function backup(scene: Scene): Promise<void> {
  const target = `${scene.folder}/backup-${++backups}`;
  const { code, stdout, stderr } = await scene.call(["storage", "backup", target]);
  scene.did("backups", `${code} ${stdout.trim()}${stderr.trim()}`);
  if (code !== 0 && code !== null && scene.damaged.size === 0) scene.problem(`backup: ${stderr}`);
  Deno.removeSync(target, { recursive: true });
}

async function check(scene: Scene): Promise<void> {
  const { damages, hasDamage } = scene;
  const { code, stdout, stderr } = await scene.call(["storage", "check"]);
  scene.did("checks", `${code} ${stdout.trim()} ${stderr.trim()}`);
  if (code === 1 && !hasDamage && damages === scene.damages) {
    scene.problem(`storage check found something where nothing was damaged: ${stdout}`);
  }
}

async function repair(scene: Scene): Promise<void> {
  const { damages } = scene;
  const { code, stdout, stderr } = await scene.call(["storage", "check", "--repair"]);
  if (code === 0) scene.repaired = damages;
  scene.did("repairs", `${code} ${stdout.trim()} ${stderr.trim()}`);
}

/** Damages the file of a job, in any state. */
function damageJob(scene: Scene, random: Random): void {
  const [draw, cut] = [random.next(), random.next()];
  const how = random.weighted({ torn: 3, cut: 3, garbage: 2, emptied: 2, deleted: 3 });
  const shelf = random.pick(["running", "running", "ready", "later", "completed", "dead"])!;
  const id = idOn(scene, shelf, draw);
  if (id === undefined) return;
  const path = `${scene.dataDir}/jobs/${id.slice(0, 2)}/${id}.jsonl`;
  scene.damaged.set(id, how);
  scene.damages++;
  scene.did("files damaged", `${path} ${how}, ${shelf}`);
  try {
    const { size } = Deno.statSync(path);
    if (how === "torn") {
      Deno.writeTextFileSync(path, '{"at":"2026-', { append: true, create: false });
    } else if (how === "cut") Deno.truncateSync(path, Math.floor(cut * size));
    else if (how === "garbage") {
      const bytes = crypto.getRandomValues(new Uint8Array(Math.min(size, 1000)));
      using file = Deno.openSync(path, { write: true });
      file.writeSync(bytes);
    } else if (how === "emptied") Deno.truncateSync(path, 0);
    else Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // removed meanwhile
  }
}

/** Deletes the ticket of a job that waits or has ended, or puts something among the tickets. */
function damageTicket(scene: Scene, random: Random): void {
  const shelf = random.pick(["ready", "later", "completed", "dead", "cancelled"])!;
  const [draw, strange] = [random.next(), random.chance(0.2)];
  const path = ticketOn(scene, shelf, draw);
  if (path === undefined) return;
  scene.damages++;
  scene.did("files damaged", `${path} ${strange ? "given a strange neighbour" : "deleted"}`);
  try {
    if (strange) Deno.writeTextFileSync(`${path}.strange\n`, "what is this?");
    else Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // moved on meanwhile
  }
}

/** Damages what a worker or supervisor says of itself. */
function damageRecord(scene: Scene, random: Random): void {
  const folder = `${scene.dataDir}/workers`;
  const file = random.pick(scene.names(folder).filter((name) => name.endsWith(".json")));
  const how = random.weighted({ garbage: 1, emptied: 1, deleted: 2 });
  if (file === undefined) return;
  scene.damages++;
  scene.did("files damaged", `${file} ${how}`);
  try {
    if (how === "deleted") Deno.removeSync(`${folder}/${file}`);
    else {
      Deno.writeTextFileSync(`${folder}/${file}`, how === "garbage" ? '{"pid": \u0001' : "", {
        create: false,
      });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
