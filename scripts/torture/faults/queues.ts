// Limits of queues that are changed, and queues that are paused, while their jobs run.
import { pause } from "../../../src/exec/timer.ts";
import { uptime } from "../ledger.ts";
import { type Limits, QUEUES } from "../queue_log.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../scene.ts";
import { killedAfter } from "./commands.ts";
import type { Faults } from "./fault.ts";
import { claimedIn } from "./tickets.ts";

const CHANGING = Object.keys(QUEUES).filter((name) => QUEUES[name]!.changes);

export const QUEUE_CHANGES: Faults = {
  queueSet: {
    weight: 6,
    strike({ scene, begin }, random) {
      const [queue, limit] = [random.pick(CHANGING)!, random.int(0, 3)];
      const dies = death(random);
      begin(alone(queue, () => {
        const words = ["set", queue, `--limit=${limit}`];
        return change(scene, queue, words, { limit: limit || Infinity }, dies);
      }));
    },
  },
  queuePause: {
    weight: 6,
    strike({ scene, begin }, random) {
      const [queue, seconds, dies] = [random.pick(CHANGING)!, random.between(1, 5), death(random)];
      begin(alone(queue, async () => {
        await change(scene, queue, ["pause", queue], { paused: true }, dies);
        await pause(seconds * 1000);
        await change(scene, queue, ["resume", queue], { paused: false }, undefined);
      }));
    },
  },
};

function death(random: Random): number | undefined {
  const wait = random.between(20, 300);
  return random.chance(0.2) ? wait : undefined;
}

/** Those whose settings are being changed: who would change them meanwhile leaves it. */
const busy = new Set<string>();

async function alone(queue: string, action: () => Promise<void>): Promise<void> {
  if (busy.has(queue)) return;
  busy.add(queue);
  try {
    await action();
  } finally {
    busy.delete(queue);
  }
}

/** @param dies after how many milliseconds the command is killed, if at all */
async function change(
  scene: Scene,
  queue: string,
  words: readonly string[],
  limits: Partial<Limits>,
  dies: number | undefined,
): Promise<void> {
  scene.queues.called(queue, uptime(), limits);
  if (dies !== undefined) return await killedAfter(scene, ["queue", ...words], dies);
  const { code, stdout, stderr } = await scene.call(["queue", ...words]);
  scene.did("changes of queues", `${words.join(" ")}: ${code} ${stdout.trim()}${stderr.trim()}`);
  // Of what had been claimed by then some may begin to run later.
  if (code === 0) scene.queues.returned(queue, uptime(), limits, claimedIn(scene, queue));
  else if (code !== null) scene.problem(`queue ${words.join(" ")} ended with ${code}: ${stderr}`);
}

/** Sets up the queues, before anything is enqueued. */
export async function setUpQueues(scene: Scene): Promise<void> {
  await Promise.all(
    Object.entries(QUEUES).map(async ([queue, { limit, rate }]) => {
      const words = [
        ...(limit === undefined ? [] : [`--limit=${limit}`]),
        ...(rate === undefined ? [] : [`--rate=${rate.count}/${rate.within / 1000}s`]),
      ];
      const limits = { limit: limit ?? Infinity };
      if (words.length > 0) await change(scene, queue, ["set", queue, ...words], limits, undefined);
    }),
  );
}

/** Lets all begin that waits, with the limits that there are. */
export async function resumeQueues(scene: Scene): Promise<void> {
  await Promise.all(
    CHANGING.map((queue) => change(scene, queue, ["resume", queue], { paused: false }, undefined)),
  );
}
