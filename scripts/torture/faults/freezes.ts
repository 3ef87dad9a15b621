// Processes that are stopped (SIGSTOP) for a while, and `stop` while one of them is.
import { pause } from "../../../src/exec/timer.ts";
import { stop } from "./commands.ts";
import type { Faults, Stage } from "./fault.ts";

export const FREEZES: Faults = {
  freezeWorker: {
    weight: 4,
    strike(stage, random) {
      const pid = random.pick(stage.scene.workers())?.pid;
      stage.begin(freeze(stage, pid, "worker", random.between(0.5, 4)));
    },
  },
  freezeSupervisor: {
    weight: 2,
    strike(stage, random) {
      const pid = random.pick([...stage.scene.supervisors]);
      stage.begin(freeze(stage, pid, "supervisor", random.between(0.5, 4)));
    },
  },
  freezeShell: {
    weight: 2,
    strike(stage, random) {
      const pid = random.pick(stage.scene.shells())?.pid;
      stage.begin(freeze(stage, pid, "shell", random.between(0.5, 2)));
    },
  },
  /** It goes on after a while, and `stop` returns then. */
  stopFrozen: {
    weight: 1,
    strike(stage, random) {
      const { scene } = stage;
      const pid = random.chance(0.5)
        ? random.pick(scene.workers())?.pid
        : random.pick([...scene.supervisors]);
      stage.begin(freeze(stage, pid, "worker or supervisor, and stop", random.between(2, 6)));
      stage.begin(stop(scene, []));
    },
  },
  /** It does not go on by itself: `stop --force` waits for nobody. */
  forceFrozen: {
    weight: 1,
    strike(stage, random) {
      const pids = random.chance(0.5)
        ? stage.scene.workers().map(({ pid }) => pid)
        : [...stage.scene.supervisors];
      stage.begin(forceFrozen(stage, random.pick(pids)));
    },
  },
};

/** Milliseconds after which it makes no difference any more that a process was stopped. */
const AFTER = 3000;

async function freeze(
  stage: Stage,
  pid: number | undefined,
  what: string,
  seconds: number,
): Promise<void> {
  const { scene, frozen } = stage;
  if (pid === undefined || frozen.has(pid) || !scene.signal(pid, "SIGSTOP")) return;
  frozen.add(pid);
  scene.frozenUntil = Math.max(scene.frozenUntil, performance.now() + seconds * 1000 + AFTER);
  scene.did("stopped for a while", `${what} ${pid} ${seconds.toFixed(1)}`);
  await pause(seconds * 1000);
  goOn(stage, pid);
}

async function forceFrozen(stage: Stage, pid: number | undefined): Promise<void> {
  const { scene, frozen } = stage;
  if (pid === undefined || frozen.has(pid) || !scene.signal(pid, "SIGSTOP")) return;
  frozen.add(pid);
  scene.frozenUntil = Infinity;
  scene.did("stopped until a forced stop", String(pid));
  scene.spared.add(pid);
  await stop(scene, ["--force"], { limit: 15 + scene.slowness / 200, spare: true });
  scene.spared.delete(pid);
  scene.frozenUntil = performance.now() + AFTER;
  goOn(stage, pid);
}

function goOn({ scene, frozen }: Stage, pid: number): void {
  // What it read of the line before it was stopped is old now, and it may act on it once.
  scene.confusedUntil = performance.now() + AFTER;
  scene.signal(pid, "SIGCONT");
  frozen.delete(pid);
}
