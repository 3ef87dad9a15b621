// Those who enqueue: single jobs and batches, with ids and without, of all kinds; and two at a time
// with the same id, and several with the same key; and ids that were used before.
import { pause } from "../../src/exec/timer.ts";
import { waitingTickets } from "./faults/tickets.ts";
import { keyOf } from "./ledger.ts";
import { flagsOf, keyed, lineOf, newOrder, type Order, related, waitingFor } from "./orders.ts";
import type { Random } from "./random.ts";
import type { Scene } from "./scene.ts";

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
      related: 35,
      race: 4,
    });
    const order = () => newOrder(scene, random, name);
    if (way === "single") await single(scene, order(), false);
    else if (way === "named") await single(scene, order(), true);
    else if (way === "related") await single(scene, related(scene, random, order()), true);
    else if (way === "duel") await duel(scene, order());
    else if (way === "again") await again(scene, order(), random.next());
    else if (way === "race") {
      const key = random.int(1, 4);
      await race(scene, [order(), order(), order()].map((one) => keyed(scene, one, key)));
    } else {
      const count = random.chance(0.2) ? random.int(33, 60) : random.int(2, 15);
      await batch(scene, batchOf(scene, random, name, count));
    }
    await pause(random.between(0, 300));
    while (!ending.aborted && waitingTickets(scene).length > scene.backlog) await pause(200);
  }
}

/** One command of its own. Without `named` the program chooses the id. */
async function single(scene: Scene, order: Order, named: boolean): Promise<void> {
  if (named) scene.ledger.orders.set(order.id, order);
  const { code, stdout, stderr } = await enqueue(scene, [...flagsOf(order, named), order.command]);
  const id = /^(.+)\n$/.exec(stdout)?.[1];
  if (id !== undefined && (!named || id === order.id)) {
    scene.ledger.orders.set(id, { ...order, id });
    return scene.ledger.acknowledge(id);
  }
  if (code === null || code === 1 && isInVain(scene, order, stderr)) return;
  if (code === 0 && id !== undefined && isHolder(scene, id, order)) {
    return scene.did("keys that were taken", `${order.id}: ${id} has ${order.unique}`);
  }
  scene.problem(`enqueue of ${order.id} ended with exit code ${code}: ${stdout}${stderr}`);
}

/** Whether a job may have the key of another, as far as was asked for. */
function isHolder({ ledger }: Scene, id: string, { unique }: Order): boolean {
  return unique !== undefined && ledger.orders.get(id)?.unique === unique;
}

/** Whether a job could not be enqueued because one that it is to wait for is gone, or damaged. */
function isInVain(scene: Scene, { after, afterAny }: Order, stderr: string): boolean {
  const isIt = [...after, ...afterAny].some((id) =>
    stderr.includes(id) && (scene.ledger.damaged.has(id) || !scene.hasJobFile(id))
  );
  if (isIt) scene.did("jobs to wait for that were gone", stderr.trim());
  return isIt;
}

/**
 * The id of a job that was removed. That may still be going on, if what removed it was killed: then
 * it is taken.
 */
async function again(scene: Scene, order: Order, draw: number): Promise<void> {
  const ids = [...scene.ledger.reusable];
  const id = ids[Math.floor(draw * ids.length)];
  if (id === undefined) return;
  scene.ledger.reusable.delete(id);
  const before = scene.ledger.lives.get(id) ?? 0;
  const life = before + 1;
  scene.ledger.lives.set(id, life);
  const command = order.command.replace(/\d+$/, String(life));
  scene.ledger.orders.set(keyOf(id, life), { ...order, id, life, command });
  const words = [...flagsOf({ ...order, id }, true), command];
  const { code, stdout, stderr } = await enqueue(scene, words);
  scene.did("ids used again", `${keyOf(id, life)} ${code} ${stderr.trim()}`);
  if (stdout === `${id}\n`) scene.ledger.acknowledge(keyOf(id, life));
  else if (code === 1 && scene.hasJobFile(id)) scene.ledger.lives.set(id, before);
  else if (code !== null) {
    scene.problem(`enqueue of ${id}, which was removed, ended with exit code ${code}: ${stderr}`);
  }
}

/** Two at a time with the same id: one of them gets it. */
async function duel(scene: Scene, order: Order): Promise<void> {
  scene.ledger.orders.set(order.id, order);
  const words = [...flagsOf(order, true), order.command];
  const both = await Promise.all([enqueue(scene, words), enqueue(scene, words)]);
  const winners = both.filter(({ stdout }) => stdout === `${order.id}\n`);
  if (winners.length > 0) scene.ledger.acknowledge(order.id);
  const killed = both.some(({ code }) => code === null);
  if (winners.length > 1 || winners.length === 0 && !killed) {
    const said = both.map(({ code, stdout, stderr }) => `${code} ${stdout} ${stderr}`).join(" / ");
    scene.problem(`two enqueuers of the id ${order.id}: ${winners.length} got it: ${said}`);
  }
}

/** Several at once want the same key. */
async function race(scene: Scene, orders: readonly Order[]): Promise<void> {
  await Promise.all(orders.map((order) => single(scene, order, true)));
}

async function batch(scene: Scene, orders: readonly Order[]): Promise<void> {
  for (const order of orders) scene.ledger.orders.set(order.id, order);
  const lines = orders.map(lineOf).join("\n");
  const { code, stdout, stderr } = await enqueue(scene, ["--file", "-"], lines);
  const ids = stdout.split("\n").slice(0, -1);
  for (const { id } of orders) if (ids.includes(id)) scene.ledger.acknowledge(id);
  scene.ledger.batches.push(orders.map(({ id }) => id));
  if (code !== null && (code !== 0 || ids.length !== orders.length)) {
    scene.problem(`enqueue --file ended with exit code ${code}, ${ids.length} ids: ${stderr}`);
  }
}

/** Some of the lines wait for others of them, and they are in any order. */
function batchOf(scene: Scene, random: Random, name: string, count: number): Order[] {
  const orders: Order[] = [];
  const isLinked = random.chance(0.5);
  for (let n = 0; n < count; n++) {
    const order = newOrder(scene, random, name);
    const [share, any, draw] = [random.next(), random.chance(0.3), random.next()];
    const other = orders[Math.floor(draw * n)]?.id;
    if (!isLinked || share > 0.3 || other === undefined) orders.push(order);
    else orders.push(waitingFor(scene, order, any ? [] : [other], any ? [other] : []));
  }
  return orders.map((order) => ({ order, place: random.next() }))
    .sort((a, b) => a.place - b.place).map(({ order }) => order);
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
