// Jobs of all kinds, as they are ordered: what they do, where they wait, and for whom.
import { waitingIn } from "./faults/tickets.ts";
import { QUEUES } from "./queue_log.ts";
import type { Random } from "./random.ts";
import type { Scene } from "./scene.ts";

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

/** The share of all that wait that may wait in one queue, since most of them let few begin. */
const SHARE = 0.1;
const KEYS = 4;
export const GROUPS = ["red", "green", "blue"];

export interface Order {
  readonly id: string;
  /** How often the id was used before. */
  readonly life: number;
  readonly command: string;
  readonly maxRetries: number;
  readonly timeout: number;
  readonly priority: number;
  readonly delay: number;
  readonly queue: string;
  readonly group: string | undefined;
  /** Ids of jobs. */
  readonly after: readonly string[];
  readonly afterAny: readonly string[];
  readonly unique: string | undefined;
  /** Seconds. */
  readonly startBy: number | undefined;
}

let counter = 0;

/** A job that has to do with no other. */
export function newOrder(scene: Scene, random: Random, name: string): Order {
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
  const queue = random.chance(0.4) ? random.pick(Object.keys(QUEUES))! : "default";
  return {
    id: `${prefix}-${name}-${++counter}-${kind}`,
    life: 0,
    command: commandOf(scene, { kind, number }),
    maxRetries: random.int(0, 2),
    timeout: hasTimeout ? timeout : 0,
    priority: random.chance(0.4) ? random.int(-3, 3) : 0,
    delay: random.chance(0.25) ? Math.round(delay * 10) / 10 : 0,
    queue: queue !== "default" && waitingIn(scene, queue) < SHARE * scene.backlog
      ? queue
      : "default",
    group: random.chance(0.15) ? random.pick(GROUPS) : undefined,
    after: [],
    afterAny: [],
    unique: undefined,
    startBy: undefined,
  };
}

/** What a job runs; see job.sh. Its life comes last. */
export function commandOf(
  { folder, notes }: Scene,
  { kind, number, key = "-", life = 0 }: {
    kind: string;
    number: number;
    key?: string;
    life?: number;
  },
): string {
  return `exec /bin/sh ${folder}/job.sh ${notes} ${kind} ${number} ${key} ${life}`;
}

/** The same job, with a key or a time by which it is to begin, or waiting for others. */
export function related(scene: Scene, random: Random, order: Order): Order {
  const way = random.weighted({ after: 5, afterAny: 3, unique: 4, startBy: 3 });
  const [one, two] = [recentId(scene, random.next()), recentId(scene, random.next())];
  const key = random.int(1, KEYS);
  const seconds = Math.round(random.between(0.5, 6) * 10) / 10;
  const ids = [...new Set([one, two].filter((id) => id !== undefined))];
  switch (way) {
    case "after":
      return waitingFor(scene, order, ids, ids.slice(2));
    case "afterAny":
      return waitingFor(scene, order, ids.slice(2), ids);
    case "unique":
      return { ...order, ...keyed(scene, order, key) };
    case "startBy":
      return { ...order, delay: 0, startBy: seconds };
  }
}

/** The same job, of which one at most with that number has not ended. */
export function keyed(scene: Scene, order: Order, number: number): Order {
  const unique = `key-${number}`;
  const [, kind = "", what = ""] = / (\w+) (\S+) - \d+$/.exec(order.command) ?? [];
  const command = commandOf(scene, { kind, number: Number(what), key: unique });
  return { ...order, unique, command };
}

/** The same job, to run when others have completed, or ended. */
export function waitingFor(
  { ledger }: Scene,
  order: Order,
  after: readonly string[],
  afterAny: readonly string[],
): Order {
  for (const id of [...after, ...afterAny]) {
    ledger.awaited.add(id);
    ledger.reusable.delete(id);
  }
  return { ...order, after, afterAny };
}

/** A job that others may wait for: one of the last that were acknowledged. */
function recentId({ ledger }: Scene, draw: number): string | undefined {
  const keys = [...ledger.acknowledged.keys()].slice(-60).filter((key) =>
    !key.includes("#") && !ledger.isExcused(key) && !ledger.lives.has(key) &&
    !ledger.reusable.has(key)
  );
  return keys[keys.length - 1 - Math.floor(draw * draw * keys.length)];
}

/** What `enqueue` is told of it. */
export function flagsOf(order: Order, named: boolean): string[] {
  const { after, afterAny, group, unique, startBy } = order;
  return [
    ...(named ? [`--job-id=${order.id}`] : []),
    `--max-retries=${order.maxRetries}`,
    `--timeout=${order.timeout}`,
    `--priority=${order.priority}`,
    ...(order.delay > 0 ? [`--delay=${order.delay}`] : []),
    ...(order.queue === "default" ? [] : [`--queue=${order.queue}`]),
    ...(group === undefined ? [] : [`--group=${group}`]),
    ...(after.length === 0 ? [] : [`--after=${after.join()}`]),
    ...(afterAny.length === 0 ? [] : [`--after-any=${afterAny.join()}`]),
    ...(unique === undefined ? [] : [`--unique=${unique}`]),
    ...(startBy === undefined ? [] : [`--start-by=${startBy}`]),
  ];
}

/** The line of a batch file that says the same. */
export function lineOf(order: Order): string {
  const { id, command, maxRetries, timeout, priority, delay } = order;
  const { queue, group, after, afterAny, startBy } = order;
  return JSON.stringify({
    id,
    command,
    max_retries: maxRetries,
    timeout,
    priority,
    ...(delay > 0 && { delay }),
    queue,
    group,
    after,
    after_any: afterAny,
    ...(startBy !== undefined && { start_by: startBy }),
  });
}
