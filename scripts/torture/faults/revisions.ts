// Jobs that users change, put back, or call off by their group.
import { uptime } from "../ledger.ts";
import { GROUPS, type Order } from "../orders.ts";
import { QUEUES } from "../queue_log.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../scene.ts";
import { killedAfter, retry } from "./commands.ts";
import type { Faults } from "./fault.ts";
import { idOn } from "./tickets.ts";

export const REVISIONS: Faults = {
  jobRetry: {
    weight: 5,
    strike({ scene, begin }, random) {
      const shelf = random.pick(["completed", "cancelled", "dead"])!;
      const id = idOn(scene, shelf, random.next());
      const dies = random.chance(0.3) ? random.between(20, 200) : undefined;
      if (id !== undefined) begin(retry(scene, ["job", "retry", id], dies));
    },
  },
  jobUpdate: {
    weight: 7,
    strike({ scene, begin }, random) {
      const id = idOn(scene, "waiting", random.next());
      const [what, dies] = [random.int(0, 3), random.chance(0.2) ? random.between(20, 200) : 0];
      const change = [
        { priority: random.int(-3, 3) },
        { queue: random.pick(["default", ...Object.keys(QUEUES)])! },
        { maxRetries: random.int(0, 3) },
        { delay: random.int(1, 4) },
      ][what]!;
      if (id !== undefined) begin(update(scene, id, change, dies));
    },
  },
  cancelGroup: {
    weight: 2,
    strike: ({ scene, begin }, random) => begin(cancelGroup(scene, random)),
  },
};

async function update(
  scene: Scene,
  id: string,
  change: Partial<Pick<Order, "priority" | "queue" | "maxRetries" | "delay">>,
  dies: number,
): Promise<void> {
  const { ledger } = scene;
  const key = ledger.keyOf(id);
  const flags = { priority: "priority", queue: "queue", maxRetries: "max-retries", delay: "delay" };
  const words = Object.entries(change).map(([name, value]) =>
    `--${flags[name as keyof typeof flags]}=${value}`
  );
  const { delay: _, ...revision } = change;
  const before = ledger.revisions.get(key);
  const isKnown = ledger.revisions.has(key) ? before !== undefined : true;
  // Nobody can tell while it is under way, nor afterwards if it dies, or another one goes on.
  ledger.revisions.set(key, undefined);
  if (dies > 0) return await killedAfter(scene, ["job", "update", id, ...words], dies);
  const { code, stdout, stderr } = await scene.call(["job", "update", id, ...words]);
  scene.did("updates", `${id} ${words}: ${code} ${stdout.trim()}${stderr.trim()}`);
  if (!isKnown || code === null || ledger.keyOf(id) !== key) return;
  ledger.revisions.set(key, code === 0 ? { ...before, ...revision } : before ?? {});
}

async function cancelGroup(scene: Scene, random: Random): Promise<void> {
  const { ledger } = scene;
  const group = random.pick(GROUPS)!;
  const before = [...ledger.acknowledged.keys()].filter((key) =>
    ledger.orders.get(key)?.group === group
  );
  const begun = uptime();
  const { code, stdout, stderr } = await scene.call(["job", "cancel", "--group", group]);
  scene.did("groups cancelled", `${group}: ${code} ${stdout.length} ${stderr.trim()}`);
  if (code !== 0) return;
  // All of it has ended by now, one way or the other.
  for (const key of before) {
    if (!ledger.mayBeRevived(key, begun, uptime())) ledger.ended.set(key, uptime());
  }
}
