// What is set of queues. A claim looks at it in the same step, so that it holds exactly.
import { QueueError } from "../../queue/errors.ts";
import { DEFAULT_QUEUE } from "../../queue/job.ts";
import {
  isUnrestricted,
  type QueueSettings,
  type QueueStore,
  type QueueView,
  UNRESTRICTED,
} from "../../queue/queues.ts";
import { askScript } from "./asking.ts";
import { Commit, isFailed } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { timeOfText } from "./entries.ts";
import { QUEUE_LIST } from "./script_read.ts";

export class RedisQueues implements QueueStore {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async list(): Promise<QueueView[]> {
    const settings = await this.settings();
    const lines = await askScript(this.#redis, QUEUE_LIST, []) as [
      string,
      ...(number | string)[],
    ][];
    const used = new Map(lines.map(([name, ...counts]) => [name, counts]));
    const names = new Set([DEFAULT_QUEUE, ...settings.keys(), ...used.keys()]);
    return [...names].sort().map((name) => {
      const [pending = 0, failed = 0, blocked = 0, running = 0, ...oldest] = used.get(name) ?? [];
      const times = oldest.filter((text) => text !== "").map((text) => timeOfText(String(text)));
      return {
        name,
        ...(settings.get(name) ?? UNRESTRICTED),
        waiting: Number(pending) + Number(failed),
        failed: Number(failed),
        blocked: Number(blocked),
        running: Number(running),
        oldestWaitingAt: times.length === 0 ? null : Math.min(...times),
      };
    });
  }

  async settings(): Promise<ReadonlyMap<string, QueueSettings>> {
    const texts = Object.entries(await textsOf(this.#redis));
    return new Map(texts.map(([name, text]) => [name, decodeQueue(name, text)]));
  }

  async change(
    names: Iterable<string>,
    change: (before: QueueSettings) => QueueSettings | QueueError,
  ): Promise<void> {
    const wanted = [...names];
    for (;;) {
      const texts = await textsOf(this.#redis);
      const commit = new Commit().say("jobs");
      for (const name of wanted) {
        const text = texts[name];
        const after = change(text === undefined ? UNRESTRICTED : decodeQueue(name, text));
        if (after instanceof QueueError) throw after;
        if (text === undefined) commit.absent("queues", name);
        else commit.same("queues", name, text);
        putQueue(commit, name, after);
      }
      if (!isFailed(await commit.run(this.#redis))) return;
    }
  }
}

/** Puts settings in the place of those that a queue has. */
export function putQueue(commit: Commit, name: string, settings: QueueSettings): void {
  const { limit, rate, paused } = settings;
  if (isUnrestricted(settings)) commit.unset("queues", name);
  else {
    const words = [limit ?? "-", rate?.count ?? "-", rate?.seconds ?? "-", paused ? 1 : 0];
    commit.set("queues", name, words.join(" "));
  }
  commit.step("head", name);
}

async function textsOf(redis: Redis): Promise<Record<string, string>> {
  return await redis.read("HGETALL", "queues") as Record<string, string>;
}

/** @throws QueueError `damaged` */
function decodeQueue(name: string, text: string): QueueSettings {
  const words = text.split(" ");
  const [limit, count, seconds] = words.map((word) => word === "-" ? null : Number(word));
  if (words.length !== 4 || [limit, count, seconds].some(Number.isNaN)) {
    throw new QueueError("damaged", `The settings of queue "${name}" are damaged: ${text}`, {
      hint: `Set them again: queuectl queue set ${name}`,
    });
  }
  return {
    limit: limit!,
    rate: count === null ? null : { count: count!, seconds: seconds! },
    paused: words[3] === "1",
  };
}
