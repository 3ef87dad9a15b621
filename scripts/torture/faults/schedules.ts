// Schedules that are paused, resumed, run at once, put in the place of themselves and removed.
import { pause } from "../../../src/exec/timer.ts";
import { commandOf } from "../orders.ts";
import { PLANS } from "../schedule_log.ts";
import type { Scene } from "../scene.ts";
import type { Faults } from "./fault.ts";

export const SCHEDULES: Faults = {
  schedulePause: {
    weight: 3,
    strike: ({ scene, begin }, random) => begin(pauseFor(scene, "lonely", random.between(2, 6))),
  },
  scheduleRun: { weight: 2, strike: ({ scene, begin }) => begin(run(scene, "each")) },
};

let paused = false;

async function pauseFor(scene: Scene, name: string, seconds: number): Promise<void> {
  if (paused) return;
  paused = true;
  const { code, stderr } = await scene.call(["schedule", "pause", name]);
  const [from, offset] = [Date.now(), scene.clockOffset];
  if (code !== 0 && code !== null) scene.problem(`schedule pause: ${stderr}`);
  await pause(seconds * 1000);
  const to = Date.now();
  // If the clock was set meanwhile nobody can tell which times fell into the pause, and if it was set
  // back before, they may have been there already.
  const isClear = scene.clockOffset === offset && from + offset > scene.latestTime;
  if (code === 0 && isClear) {
    scene.schedules.stories.get(name)?.silences.push({ from: from + offset, to: to + offset });
    scene.did("pauses of schedules", `${name} from ${from} to ${to}, ${offset}`);
  }
  await resumeSchedule(scene, name);
  paused = false;
}

/** Until it is done: the command may be killed, as all may be. */
async function resumeSchedule(scene: Scene, name: string): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    const { code, stderr } = await scene.call(["schedule", "resume", name]);
    if (code === 0) return;
    if (code !== null) scene.problem(`schedule resume: ${stderr}`);
  }
}

async function run(scene: Scene, name: string): Promise<void> {
  const { code, stdout, stderr } = await scene.call(["schedule", "run", name]);
  const id = /^(.+)\n$/.exec(stdout)?.[1];
  scene.did("schedules run by hand", `${code} ${stdout.trim()}${stderr.trim()}`);
  if (id !== undefined) scene.ledger.acknowledge(id);
  else if (code !== null) scene.problem(`schedule run ended with exit code ${code}: ${stderr}`);
}

/** Adds the schedules, before anything runs. */
export async function addSchedules(scene: Scene): Promise<void> {
  await Promise.all(
    Object.entries(PLANS).map(async ([name, plan]) => {
      const { when, options } = plan;
      const words = ["schedule", "add", name, ...when, ...options, commandOf(scene, plan)];
      const { code, stderr } = await scene.call(words);
      if (code !== 0) throw new Error(`schedule add ${name}: ${stderr}`);
    }),
  );
  const { stdout } = await scene.call(["schedule", "list", "--json"]);
  for (const { name, created_at } of JSON.parse(stdout)) {
    const createdAt = Date.parse(created_at);
    scene.schedules.stories.set(name, { createdAt, until: createdAt, silences: [] });
  }
}
