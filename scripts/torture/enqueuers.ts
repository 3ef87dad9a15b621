// Those who enqueue: single jobs and batches, with ids and without, of all kinds; and two at a time
// with the same id; and ids that were used before.
import { pause } from "../../src/exec/timer.ts";
import type { Random } from "./random.ts";
import { keyOf, type Scene } from "./scene.ts";

/** Jobs that wait: beyond so many the enqueuers take a rest. */
const ENOUGH = 120;

const KINDS = {
  quick: 50,
  fail: 8,
  flaky: 8,
  slow: 10,
  deaf: 2,
  family: 5,
  session: 5,
  leave: 3,
  daemon: 3,
  noisy: 3,
  suicide: 2,
  group: 2,
} as const;

/** Those that take their time, so that a time-out comes first. */
const LONG = ["slow", "deaf", "family", "session"];

interface Order {
  readonly id: string;
  /** How often the id was used before. */
  readonly life: number;
  readonly command: string;
  readonly maxRetries: number;
  readonly timeout: number;
  readonly priority: number;
  readonly delay: number;
}

let counter = 0;

/** Enqueues until `ending` aborts. */
export async function enqueuer(
  scene: Scene,
  random: Random,
  name: string,
  ending: AbortSignal,
): Promise<void> {
  while (!ending.aborted) {
    const way = random.weighted({
      single: 50,
      named: 20,
      batch: 25,
      duel: 5,
      again: 15,
    });
    if (way === "single") await single(scene, newOrder(scene, random, name), false);
    else if (way === "named") await single(scene, newOrder(scene, random, name), true);
    else if (way === "duel") await duel(scene, newOrder(scene, random, name));
    else if (way === "again") await again(scene, newOrder(scene, random, name), random.next());
    else {
      const count = random.chance(0.2) ? random.int(33, 60) : random.int(2, 15);
      await batch(scene, Array.from({ length: count }, () => newOrder(scene, random, name)));
    }
    await pause(random.between(0, 300));
    while (!ending.aborted && waiting(scene) > ENOUGH) await pause(200);
  }
}

function newOrder(scene: Scene, random: Random, name: string): Order {
  const kind = random.weighted(KINDS);
  const small = random.int(1, 3);
  const long = random.between(0.2, 3);
  const number = kind === "noisy"
    ? random.int(100_000, 3_000_000)
    : kind === "fail"
    ? small
    : kind === "flaky"
    ? small - 1
    : Math.round(long * 100) / 100;
  const hasTimeout = random.chance(LONG.includes(kind) ? 0.4 : 0.05);
  const timeout = Math.round(random.between(0.2, 1.5) * 10) / 10;
  const prefix = random.int(0, 255).toString(16).padStart(2, "0");
  const delay = random.chance(0.2) ? random.between(5, 12) : random.between(0.1, 4);
  return {
    id: `${prefix}-${name}-${++counter}-${kind}`,
    life: 0,
    command: `exec /bin/sh ${scene.folder}/job.sh ${scene.notes} ${kind} ${number} 0`,
    maxRetries: random.int(0, 2),
    timeout: hasTimeout ? timeout : 0,
    priority: random.chance(0.4) ? random.int(-3, 3) : 0,
    delay: random.chance(0.25) ? Math.round(delay * 10) / 10 : 0,
  };
}

/** One command of its own. Without `named` the program chooses the id. */
async function single(scene: Scene, order: Order, named: boolean): Promise<void> {
  const { code, stdout, stderr } = await enqueue(scene, [...flagsOf(order, named), order.command]);
  const id = /^(.+)\n$/.exec(stdout)?.[1];
  if (id !== undefined) scene.acknowledged.add(id);
  if (code !== null && (code !== 0 || id === undefined)) {
    scene.problem(`enqueue ended with exit code ${code}: ${stdout}${stderr}`);
  }
}

/**
 * The id of a job that was removed. That may still be going on, if what removed it was killed: then
 * it is taken.
 */
async function again(scene: Scene, order: Order, draw: number): Promise<void> {
  const ids = [...scene.reusable];
  const id = ids[Math.floor(draw * ids.length)];
  if (id === undefined) return;
  scene.reusable.delete(id);
  const before = scene.lives.get(id) ?? 0;
  const life = before + 1;
  scene.lives.set(id, life);
  const command = order.command.replace(/\d+$/, String(life));
  const words = [...flagsOf({ ...order, id }, true), command];
  const { code, stdout, stderr } = await enqueue(scene, words);
  scene.did("ids used again", `${keyOf(id, life)} ${code} ${stderr.trim()}`);
  if (stdout === `${id}\n`) scene.acknowledged.add(keyOf(id, life));
  else if (code === 1 && scene.hasJobFile(id)) scene.lives.set(id, before);
  else if (code !== null) {
    scene.problem(`enqueue of ${id}, which was removed, ended with exit code ${code}: ${stderr}`);
  }
}

/** Two at a time with the same id: one of them gets it. */
async function duel(scene: Scene, order: Order): Promise<void> {
  const words = [...flagsOf(order, true), order.command];
  const both = await Promise.all([enqueue(scene, words), enqueue(scene, words)]);
  const winners = both.filter(({ stdout }) => stdout === `${order.id}\n`);
  if (winners.length > 0) scene.acknowledged.add(order.id);
  const killed = both.some(({ code }) => code === null);
  if (winners.length > 1 || winners.length === 0 && !killed) {
    const said = both.map(({ code, stdout, stderr }) => `${code} ${stdout} ${stderr}`).join(" / ");
    scene.problem(`two enqueuers of the id ${order.id}: ${winners.length} got it: ${said}`);
  }
}

async function batch(scene: Scene, orders: Order[]): Promise<void> {
  const lines = orders.map(({ id, command, maxRetries, timeout, priority, delay }) =>
    JSON.stringify({
      id,
      command,
      max_retries: maxRetries,
      timeout,
      priority,
      ...(delay > 0 && { delay }),
    })
  );
  const { code, stdout, stderr } = await enqueue(scene, ["--file", "-"], lines.join("\n"));
  const ids = stdout.split("\n").slice(0, -1);
  for (const order of orders) if (ids.includes(order.id)) scene.acknowledged.add(order.id);
  scene.batches.push(orders.map(({ id }) => id));
  if (code !== null && (code !== 0 || ids.length !== orders.length)) {
    scene.problem(`enqueue --file ended with exit code ${code}, ${ids.length} ids: ${stderr}`);
  }
}

function flagsOf(order: Order, named: boolean): string[] {
  return [
    ...(named ? [`--job-id=${order.id}`] : []),
    `--max-retries=${order.maxRetries}`,
    `--timeout=${order.timeout}`,
    `--priority=${order.priority}`,
    ...(order.delay > 0 ? [`--delay=${order.delay}`] : []),
  ];
}

async function enqueue(scene: Scene, words: string[], input = "") {
  const { pid, ended } = scene.start(["enqueue", ...words], { input });
  scene.enqueuers.add(pid);
  const begun = performance.now();
  const result = await ended;
  const at = performance.now();
  scene.pace.push({ at, took: at - begun });
  scene.enqueuers.delete(pid);
  scene.checkWords(result);
  return result;
}

function waiting(scene: Scene): number {
  return ["ready", "later"].flatMap((shelf) =>
    scene.names(`${scene.dataDir}/queue/${shelf}`).map((bucket) =>
      scene.names(`${scene.dataDir}/queue/${shelf}/${bucket}`).length
    )
  ).reduce((sum, count) => sum + count, 0);
}
