// Processes that are killed: workers, the shells of jobs, supervisors, commands, jobs, and all.
import { pause } from "../../../src/exec/timer.ts";
import type { Scene } from "../scene.ts";
import type { Faults } from "./fault.ts";

/** Jobs whose children hold the job's lock, and would outlive it: no fault of the program. */
const WITH_CHILDREN = / (?:family|slow|deaf|noisy|session) /;

export const KILLS: Faults = {
  killWorker: {
    weight: 10,
    strike: ({ scene }, random) => kill(scene, random.pick(scene.workers())?.pid, "worker killed"),
  },
  /** It is asked to end, as by somebody who takes it for the whole queue. */
  termWorker: {
    weight: 2,
    strike({ scene }, random) {
      const pid = random.pick(scene.workers())?.pid;
      if (pid !== undefined && scene.signal(pid, "SIGTERM")) {
        scene.did("workers asked to end", String(pid));
      }
    },
  },
  killShell: {
    weight: 4,
    strike: ({ scene }, random) => kill(scene, random.pick(scene.shells())?.pid, "shell killed"),
  },
  killWorkerAndShell: {
    weight: 3,
    strike({ scene }, random) {
      const worker = random.pick(scene.workers());
      const shell = scene.shells().find(({ name }) => name === worker?.name);
      kill(scene, worker?.pid, "worker killed");
      kill(scene, shell?.pid, "shell killed");
    },
  },
  killSupervisor: {
    weight: 4,
    strike: ({ scene }, random) =>
      kill(scene, random.pick([...scene.supervisors]), "supervisor killed"),
  },
  killEnqueuer: {
    weight: 6,
    async strike({ scene }, random) {
      const [draw, wait] = [random.next(), random.between(0, 150)];
      // One that has begun just now, so that it is hit at any point of its short life.
      const known = new Set(scene.enqueuers);
      const fresh = () => [...scene.enqueuers].filter((pid) => !known.has(pid));
      for (let n = 0; n < 200 && fresh().length === 0; n++) await pause(5);
      const running = fresh();
      await pause(wait);
      kill(scene, running[Math.floor(draw * running.length)], "enqueuer killed");
    },
  },
  killJob: {
    weight: 2,
    strike({ scene }, random) {
      const shells = scene.shells().map(({ pid }) => pid);
      const jobs = scene.processes().filter(({ pid, parent, command }) =>
        shells.includes(parent) && command.includes("job.sh") && !WITH_CHILDREN.test(command) &&
        hasBegun(scene, pid)
      );
      kill(scene, random.pick(jobs)?.pid, "job killed");
    },
  },
  killQueue: {
    weight: 2,
    strike({ scene }) {
      const shells = new Set(scene.shells().map(({ pid }) => pid));
      const all = scene.processes().filter(({ command }) => / (?:start|worker) /.test(command));
      scene.did("all workers and supervisors killed at once");
      for (const { pid } of all) if (!shells.has(pid)) kill(scene, pid, "process killed");
    },
  },
  killAll: {
    weight: 2,
    strike({ scene }) {
      scene.did("everything killed at once");
      // What is forked meanwhile is found the second time.
      for (let n = 0; n < 2; n++) {
        for (const { pid } of scene.processes()) kill(scene, pid, "process killed");
      }
    },
  },
};

/** Before that it may have children, which hold its locks for a moment longer. */
function hasBegun(scene: Scene, pid: number): boolean {
  const noted = new RegExp(`^begin \\d+ ${pid} `, "m");
  return scene.names(scene.notes).some((id) =>
    isFresh(`${scene.notes}/${id}`) && noted.test(Deno.readTextFileSync(`${scene.notes}/${id}`))
  );
}

function isFresh(path: string): boolean {
  return Date.now() - (Deno.statSync(path).mtime?.getTime() ?? 0) < 60_000;
}

export function kill(scene: Scene, pid: number | undefined, what: string): void {
  if (pid !== undefined && scene.signal(pid, "SIGKILL")) {
    scene.did("kills", `${what} ${pid}`);
    scene.count(what);
  }
}
