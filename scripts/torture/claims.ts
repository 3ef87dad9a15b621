// Watches from outside whether jobs of the default queue are claimed in time and in order: while a worker is free no due
// job waits longer than a second, and of jobs that are ready together the first is taken first.
// Reads the data folder and /proc with code of its own, not with that which it watches.
import { pause } from "../../src/exec/timer.ts";
import type { Scene } from "./scene.ts";

/** Milliseconds between two looks. */
const INTERVAL = 100;
/** So late may a claim be, and so old may be what a worker knows of the line. */
const LIMIT = 1000;

/** A ticket of a job that waits. */
interface Waiting {
  readonly id: string;
  readonly dueAt: number;
  /** Only of what lies in the line itself: it sorts in the order of claims. */
  readonly place: string | undefined;
}

/** Since when something holds, by `performance.now()`. */
type Since = ReadonlyMap<string, number>;

/** One look at the queue. */
interface Look {
  readonly at: number;
  /** The same moment by the system's clock, which times of files go by. */
  readonly clock: number;
  /** By the names of their tickets. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** The tickets that are due. */
  readonly due: Since;
  readonly free: Since;
  /** Milliseconds that are as good as none, as slow as the machine is now. */
  readonly limit: number;
}

/** Who left the line, and who had long been ready then and stood before. */
interface Overtaking {
  readonly name: string;
  readonly id: string;
  readonly first: string | undefined;
  /** By `performance.now()`, and by the system's clock. */
  readonly since: number;
  readonly sinceClock: number;
}

/** Looks until `ending` aborts. */
export async function watchClaims(scene: Scene, ending: AbortSignal): Promise<void> {
  const told = new Set<string>();
  let left: Overtaking[] = [];
  let before = look(scene, undefined);
  scene.watched.since = before.at;
  while (!ending.aborted) {
    await pause(INTERVAL);
    const stalled = performance.now() - before.at > 10 * INTERVAL;
    const anew = stalled || scene.disturbedUntil > before.at;
    const now = look(scene, anew ? undefined : before);
    if (anew) scene.watched.since = now.at;
    checkWaits(scene, now, told);
    if (now.at > scene.confusedUntil && now.at > scene.disturbedUntil) {
      left.push(...whoLeft(scene, before, now));
    } else left = [];
    left = left.filter((overtaking) => !isSettled(scene, overtaking, now.at));
    before = now;
  }
}

function look(scene: Scene, before: Look | undefined): Look {
  const at = performance.now();
  const clock = Date.now();
  const waiting = waitingJobs(scene);
  const due = [...waiting].filter(([, { id, dueAt }]) =>
    dueAt <= clock + scene.clockOffset && !scene.ledger.damaged.has(id)
  )
    .map(([name]) => name);
  const since = (known: Since | undefined, names: readonly string[]) =>
    new Map(names.map((name) => [name, known?.get(name) ?? at]));
  return {
    at,
    clock,
    waiting,
    due: since(before?.due, due),
    free: since(before?.free, freeWorkers(scene)),
    limit: limitOf(scene),
  };
}

/**
 * Milliseconds that a job may wait beside a free worker, as slow as the machine is now: one that has
 * just started looks around first, which takes as long as several commands.
 */
export function limitOf({ slowness }: Scene): number {
  return LIMIT + 3 * slowness;
}

function checkWaits(scene: Scene, { at, due, free, limit }: Look, told: Set<string>): void {
  const [worker, freeSince] = [...free].sort(([, a], [, b]) => a - b)[0] ?? [];
  if (freeSince === undefined) return;
  for (const [name, since] of due) {
    const wait = at - Math.max(since, freeSince);
    if (wait > 0) scene.watched.waits++;
    scene.watched.longest = Math.max(scene.watched.longest, wait);
    if (wait <= limit || told.has(name)) continue;
    told.add(name);
    scene.problem(
      `${name} is due and waits for ${wait.toFixed(0)} ms while worker ${worker} is free ` +
        `(at most ${limit.toFixed(0)})`,
    );
  }
}

/** Those that left the line since the look before. */
function whoLeft(scene: Scene, before: Look, { at, waiting, limit }: Look): Overtaking[] {
  let first: string | undefined;
  for (const [name, { place, id }] of waiting) {
    if (place === undefined || scene.ledger.damaged.has(id)) continue;
    if (at - (before.due.get(name) ?? at) < limit) continue;
    if (first === undefined || place < waiting.get(first)!.place!) first = name;
  }
  // One that a user changes leaves its place for another.
  return [...before.waiting].filter(([name, { id, place }]) =>
    place !== undefined && !waiting.has(name) && !scene.ledger.revisions.has(scene.ledger.keyOf(id))
  ).map(([name, { id, place }]) => ({
    name,
    id,
    first: first !== undefined && waiting.get(first)!.place! < place! ? first : undefined,
    since: before.at,
    sinceClock: before.clock,
  }));
}

/** Whether it is known by now why it left the line: it was claimed if its job runs. */
function isSettled(scene: Scene, overtaking: Overtaking, now: number): boolean {
  const { name, id, first, since, sinceClock } = overtaking;
  if (!hasBegun(scene, id, sinceClock)) return now - since > 2 * LIMIT;
  scene.watched.claims++;
  if (first !== undefined) {
    scene.problem(`${name} was claimed before ${first}, which has long been ready`);
  }
  return true;
}

/** Times of files come from a clock that ticks some hundred times a second. */
const TICK = 20;

/** Whether the job has noted since then that it runs. */
function hasBegun(scene: Scene, id: string, since: number): boolean {
  try {
    const { mtime } = Deno.statSync(`${scene.notes}/${id}`);
    return (mtime?.getTime() ?? 0) >= since - TICK;
  } catch {
    return false;
  }
}

/** The jobs that wait, by the names of their tickets. */
function waitingJobs(scene: Scene): Map<string, Waiting> {
  const found = new Map<string, Waiting>();
  for (const shelf of ["ready", "later"]) {
    const folder = `${scene.dataDir}/queue/${shelf}`;
    for (const bucket of scene.names(folder)) {
      for (const name of scene.names(`${folder}/${bucket}`)) {
        const [, one = "", two = "", arrival = "", id = ""] =
          /^(\d+)\.(\d+)\.(\d+\.\d+)\.[a-z]\d*\.([\w.-]+)$/.exec(name) ?? [];
        if (id === "") continue;
        const isReady = one.length < two.length;
        found.set(`${shelf}/${name}`, {
          id,
          dueAt: Number(isReady ? two : one),
          place: isReady ? `${one}.${two}.${arrival}` : undefined,
        });
      }
    }
  }
  return found;
}

/** Workers of a queue that run nothing, are not stopped, and have not been asked to end. */
export function freeWorkers(scene: Scene, queue = "default"): string[] {
  const requests = scene.names(`${scene.dataDir}/control`);
  const shells = new Map(scene.shells().map(({ name, pid }) => [name, pid]));
  return scene.workers().filter(({ name, pid }) =>
    serves(pid, queue) &&
    /^\d+ \([^]*\) [SRD] /.test(read(`/proc/${pid}/stat`)) &&
    scene.names(`${scene.dataDir}/queue/running/${name}`).length === 0 &&
    read(`/proc/${shells.get(name)}/task/${shells.get(name)}/children`).trim() === "" &&
    !requests.some((request) => request.startsWith(`${name}.`))
  ).map(({ name, pid }) => `${name} (${pid})`);
}

/** Whether a worker takes jobs of a queue. */
function serves(pid: number, queue: string): boolean {
  const served = /\0--queue=([^\0]*)\0/.exec(read(`/proc/${pid}/cmdline`))?.[1];
  return served === undefined || served.split(",").includes(queue);
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
