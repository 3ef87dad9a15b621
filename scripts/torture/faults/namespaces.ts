// Workers in a process-id namespace of their own, as in a container that shares the data folder:
// they can't see the processes outside, and their own process ids mean something else outside.
import { pause } from "../../../src/exec/timer.ts";
import type { Scene } from "../scene.ts";
import { kill } from "./kills.ts";
import type { Faults } from "./fault.ts";

// With a shell as process 1: a supervisor with that number is a case of its own.
const UNSHARE = ["-p", "-f", "--mount-proc", "--kill-child"];
const INIT = ["/bin/sh", "-c", '"$@"; exit $?', "sh"];

export const NAMESPACES: Faults = {
  namespace: {
    weight: 1,
    strike({ scene, begin }, random) {
      const [seconds, count] = [random.int(2, 6), random.int(1, 2)];
      const murder = random.chance(0.5) ? random.between(500, 4000) : undefined;
      if (isPermitted()) begin(elsewhere(scene, seconds, count, murder));
    },
  },
};

let permitted: boolean | undefined;

/** Root may, and on some systems everybody; in most containers nobody. */
function isPermitted(): boolean {
  try {
    permitted ??= new Deno.Command("unshare", { args: [...UNSHARE, "true"] }).outputSync().success;
  } catch {
    permitted = false;
  }
  return permitted;
}

async function elsewhere(
  scene: Scene,
  seconds: number,
  count: number,
  murder: number | undefined,
): Promise<void> {
  const log = `${scene.folder}/logs/namespace.log`;
  const words = ["start", `--timeout=${seconds}`, `--count=${count}`];
  const { pid, ended } = scene.start(words, { log, within: ["unshare", ...UNSHARE, ...INIT] });
  scene.did("starts in another namespace", `${pid} ${words.join(" ")}`);
  let over = false;
  const ending = ended.finally(() => over = true);
  if (murder !== undefined) {
    await pause(murder);
    // One whose job takes its time, so that it runs on without the worker.
    let victim: number | undefined;
    while (!over && (victim = busyWorkerIn(scene, pid)) === undefined) await pause(100);
    kill(scene, victim, "worker in another namespace killed");
  }
  const { code } = await ending;
  // It may refuse to work there, if it says so.
  scene.note(`start in another namespace ended with ${code}`);
  if (code === 1) scene.count("starts in another namespace refused");
  else if (code !== 0 && code !== null) {
    scene.problem(`start in another namespace ended with exit code ${code}: see ${log}`);
  }
}

/** A worker below a process that runs a long job; as all that is seen here, by its id outside. */
function busyWorkerIn(scene: Scene, ancestor: number): number | undefined {
  const all = scene.processes();
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number, above: number) => {
    for (let at: number | undefined = pid; at !== undefined; at = parents.get(at)) {
      if (at === above) return true;
    }
    return false;
  };
  const jobs = all.filter(({ command }) =>
    / (?:slow|family|session|deaf) \S+ \S+ \d+$/.test(command)
  );
  return all.find(({ pid, command }) =>
    / worker /.test(command) && isBelow(pid, ancestor) && jobs.some((job) => isBelow(job.pid, pid))
  )?.pid;
}
