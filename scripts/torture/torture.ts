// One torture from its begin to its report.
import { pause } from "../../src/exec/timer.ts";
import { watchClaims } from "./claims.ts";
import { enqueuer } from "./enqueuers.ts";
import type { Archive } from "./faults/fault.ts";
import { isStrange } from "./faults/strangers.ts";
import { resumeQueues, setUpQueues } from "./faults/queues.ts";
import { addSchedules } from "./faults/schedules.ts";
import { torment } from "./faults/tormentor.ts";
import { watchOpenings } from "./openings.ts";
import { commandOf } from "./orders.ts";
import { Random } from "./random.ts";
import { type Figures, reckon } from "./reckoning/reckoning.ts";
import { reportOf } from "./report.ts";
import { Scene } from "./scene.ts";
import { starter } from "./starters.ts";

export interface TortureOptions {
  readonly minutes: number;
  readonly seed: number;
  /** So many jobs wait at most before the enqueuers take a rest. */
  readonly backlog?: number;
  /** Whether the folder stays also if all went well. */
  readonly keep: boolean;
  /** Ends it early, leaving no process and, without `keep`, no file. */
  readonly interrupt?: AbortSignal;
}

const BACKLOG = 120;

export interface TortureResult {
  readonly report: string;
  readonly problems: readonly string[];
}

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "queuectl-torture-" }));
  const scene = new Scene(folder, options.backlog ?? BACKLOG);
  const random = new Random(String(options.seed));
  const begun = performance.now();
  let figures: Figures | undefined;
  try {
    figures = await Promise.race([
      play(scene, random, options.minutes * 60_000),
      aborted(options.interrupt),
    ]);
  } catch (error) {
    scene.failed(error);
  } finally {
    scene.killAll();
    scene.close();
  }
  const failed = scene.problems.length > 0;
  if (!failed && !options.keep) removeTree(folder);
  const seconds = (performance.now() - begun) / 1000;
  return { report: reportOf(scene, options, figures, seconds), problems: scene.problems };
}

/** What was killed just now may still make a file. */
function removeTree(folder: string): void {
  for (let tries = 10;; tries--) {
    try {
      return Deno.removeSync(folder, { recursive: true });
    } catch (error) {
      if (tries === 0) throw error;
    }
  }
}

function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(undefined)));
}

async function play(scene: Scene, random: Random, duration: number): Promise<Figures> {
  await configure(scene, random.fork("configuration"));
  await Promise.all([setUpQueues(scene), addSchedules(scene)]);
  const ending = new AbortController();
  const enqueuing = new AbortController();
  const archive: Archive = new Map();
  const enqueuers = ["a", "b", "c"].map((name) =>
    enqueuer(scene, random.fork(`enqueuer ${name}`), name, enqueuing.signal)
  );
  const starters = ["one", "two"].map((name) =>
    starter(scene, random.fork(`starter ${name}`), name, ending.signal)
  );
  const faults = torment(scene, archive, random.fork("faults"), enqueuing.signal);
  const watching = [
    watchClaims(scene, enqueuing.signal),
    watchOpenings(scene, enqueuing.signal),
  ];
  await pause(duration);
  enqueuing.abort();
  await Promise.all([faults, ...watching, ...enqueuers]);

  scene.note("the end: all is started again and drained");
  if (scene.canSetClock) scene.setClock(0);
  ending.abort();
  await stopAll(scene, starters);
  await settle(scene);
  await checkRest(scene);
  return await reckon(scene, archive);
}

async function configure(scene: Scene, random: Random): Promise<void> {
  const hook = commandOf(scene, { kind: "hook", number: 0 });
  const values = {
    backoff_base: 1,
    backoff_max: 1,
    kill_grace: 0.5,
    log_level: "INFO",
    on_completed: hook,
    on_dead: hook,
  };
  const capped = random.chance(0.3);
  const file = `${scene.folder}/config.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ ...values, ...(capped && { log_max: 200_000 }) }));
  const { code, stderr } = await scene.call(["config", "--import", file]);
  if (code !== 0) throw new Error(`config --import: ${stderr}`);
}

/** Stops all, again and again: one that is just being started does not hear of it. */
async function stopAll(scene: Scene, starters: readonly Promise<void>[]): Promise<void> {
  let isOver = false;
  const over = Promise.all(starters).then(() => void (isOver = true));
  while (!isOver) {
    await scene.call(["stop"]);
    await Promise.race([over, pause(1000)]);
  }
}

/** Mends what was damaged, and drains the queue until nothing is left to do. */
async function settle(scene: Scene): Promise<void> {
  await Promise.all([resumeQueues(scene), scene.call(["schedule", "pause", "lonely"])]);
  for (let n = 0; n < 20; n++) {
    if (scene.hasDamage) {
      const { stdout, stderr } = await scene.call(["storage", "check", "--repair"]);
      scene.note(`repair: ${stdout}${stderr}`);
    }
    const log = `${scene.folder}/logs/drain.log`;
    // What is due by now is fired before the first of them has ended. The others find no more.
    if (n === 0) { for (const story of scene.schedules.stories.values()) story.until = Date.now(); }
    else if (n === 1) await scene.call(["schedule", "pause", ...scene.schedules.stories.keys()]);
    const { ended } = scene.start(["start", "--drain", "--count=4"], { log });
    const timer = setTimeout(() => {
      scene.problem(`The queue is not drained after 120 s: see ${log}`);
      scene.killAll();
    }, 120_000);
    const { code } = await ended;
    clearTimeout(timer);
    if (code === null) return;
    if (code !== 0) scene.problem(`start --drain ended with exit code ${code}`);
    const { jobs } = JSON.parse((await scene.call(["status", "--json"])).stdout);
    scene.note(`after draining: ${JSON.stringify(jobs)}`);
    if (jobs.pending + jobs.processing + jobs.failed === 0) return;
    await pause(1000);
  }
  scene.problem("The queue can't be drained: see `queuectl list`");
}

/** Lines that no log of a `start` should have. */
const WRONG = new RegExp(
  ".*(?:This is a bug|Uncaught|queuectl: |" +
    "the worker with process id \\d+ ended with exit code).*",
  "g",
);

/** Nothing runs, nothing is left over, and nothing is wrong. */
async function checkRest(scene: Scene): Promise<void> {
  for (let n = 0; n < 100 && scene.processes().length > 0; n++) await pause(100);
  for (const { pid, command } of scene.processes()) {
    scene.problem(`process ${pid} is left: ${command}`);
  }
  const { code, stdout, stderr } = await scene.call(["storage", "check"]);
  if (code !== 0) scene.problem(`storage check: ${stdout}${stderr}`);
  const left = ["queue/running", "control", "workers", "tmp"].flatMap((folder) =>
    scene.names(`${scene.dataDir}/${folder}`).map((name) => `${folder}/${name}`)
  ).filter((path) => !isStrange(path));
  // Which boot the lines of ended jobs were last looked at in: it stays.
  const wrong = left.filter((path) => path !== "workers/boot.json");
  if (wrong.length > 0) scene.problem(`left over: ${wrong.join(", ")}`);
  for (const name of scene.names(`${scene.folder}/logs`)) {
    const text = Deno.readTextFileSync(`${scene.folder}/logs/${name}`);
    const counts: [string, RegExp][] = [
      ["adoptions", / looks after job /g],
      ["claims given back", / had not begun when /g],
      ["workers restarted", / starting another/g],
      ["jobs that could not be recorded at once", / Cannot record the end /g],
      ["dead workers that could not be followed at once", / Cannot take over /g],
      ["jobs that could not be begun at once", / Cannot run job /g],
      ["tickets set aside", / Set aside the ticket /g],
    ];
    for (const [what, pattern] of counts) {
      const found = text.match(pattern)?.length ?? 0;
      if (found > 0) scene.count(what, found);
    }
    const wrong = text.match(WRONG) ?? [];
    for (const line of new Set(wrong)) scene.problem(`logs/${name}: ${line}`);
  }
}
