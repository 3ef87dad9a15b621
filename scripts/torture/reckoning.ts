// The reckoning at the end: what the jobs themselves noted against what the queue says of them.
import { openFileStore } from "../../src/stores/file/store.ts";
import { logPath } from "../../src/stores/file/layout.ts";
import type { Job } from "../../src/queue/job.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { Archive } from "./faults/fault.ts";
import { keyOf, keyOfJob, type Scene } from "./scene.ts";

/** By key; see scene.ts. */
type Jobs = Map<string, Job>;

/** What a job noted of one of its runs. */
interface Run {
  readonly attempt: number;
  readonly pid: number;
  code: number | undefined;
}

export interface Figures {
  jobs: number;
  runs: number;
  attempts: number;
  lost: number;
  byOutcome: Record<string, number>;
}

const LISTED = ["completed", "dead", "cancelled"];

/** Compares everything; what is wrong becomes a problem of the scene. */
export async function reckon(scene: Scene, archive: Archive): Promise<Figures> {
  const jobs: Jobs = new Map();
  const store = await openFileStore(scene.dataDir, { files: diskFiles });
  for await (const job of store.list({})) jobs.set(keyOfJob(job), job);
  store.close();
  const figures: Figures = { jobs: jobs.size, runs: 0, attempts: 0, lost: 0, byOutcome: {} };
  await checkCounts(scene, new Set(Array.from(jobs.values(), ({ id }) => id)));
  checkAcknowledged(scene, jobs, archive);
  checkBatches(scene, jobs, archive);
  for (const id of scene.names(scene.notes)) {
    for (const [life, runs] of runsOf(scene, id)) {
      figures.runs += runs.length;
      const key = keyOf(id, life);
      if (isExcused(scene, key)) continue;
      const job = jobs.get(key) ?? archive.get(key);
      if (job === undefined) scene.problem(`job ${key} has run, and is gone: ${told(runs)}`);
      else checkRuns(scene, key, job, runs);
    }
  }
  for (const job of new Map([...archive, ...jobs]).values()) {
    for (const { outcome } of job.history) {
      figures.attempts++;
      if (outcome === "lost") figures.lost++;
      figures.byOutcome[outcome] = (figures.byOutcome[outcome] ?? 0) + 1;
    }
  }
  checkLogs(scene, jobs);
  return figures;
}

async function checkCounts(scene: Scene, ids: ReadonlySet<string>): Promise<void> {
  const status = JSON.parse((await scene.call(["status", "--json"])).stdout);
  const listed: { id: string; state: string }[] = JSON.parse(
    (await scene.call(["list", "--json"])).stdout,
  );
  if (new Set(listed.map(({ id }) => id)).size !== listed.length) {
    scene.problem("list shows a job twice");
  }
  const counted: Record<string, number> = {};
  for (const { id, state } of listed) {
    counted[state] = (counted[state] ?? 0) + 1;
    if (!ids.has(id)) scene.problem(`list shows ${id}, which the store does not know`);
    if (!LISTED.includes(state)) scene.problem(`job ${id} is ${state} when all is done`);
  }
  for (const [state, count] of Object.entries(status.jobs)) {
    if (count !== (counted[state] ?? 0)) {
      scene.problem(`status says ${count} ${state}, and list has ${counted[state] ?? 0}`);
    }
  }
  const total = Object.values(status.jobs as Record<string, number>).reduce((a, b) => a + b, 0);
  const files = scene.names(`${scene.dataDir}/jobs`).flatMap((folder) =>
    scene.names(`${scene.dataDir}/jobs/${folder}`).filter((name) => name.endsWith(".jsonl"))
  );
  if (total !== files.length) {
    scene.problem(`status counts ${total} jobs, and there are ${files.length} files of jobs`);
  }
  if (status.workers.length > 0) {
    scene.problem(`workers are alive: ${JSON.stringify(status.workers)}`);
  }
}

const idOf = (key: string) => key.replace(/#.*/, "");

/** Whether a job was removed or damaged on purpose, so that nobody can say what became of it. */
function isExcused(scene: Scene, key: string): boolean {
  return scene.damaged.has(idOf(key)) || scene.removed.has(key) || scene.perhapsRemoved.has(key);
}

function checkAcknowledged(scene: Scene, jobs: Jobs, archive: Archive): void {
  for (const key of scene.acknowledged) {
    if (
      jobs.has(key) || archive.has(key) || scene.removed.has(key) || scene.perhapsRemoved.has(key)
    ) {
      continue;
    }
    const how = scene.damaged.get(idOf(key));
    if (how === undefined) scene.problem(`job ${key} was acknowledged, and is gone`);
    else {
      scene.did("jobs lost by damage", `${key} ${how}`);
      if (how === "deleted" || how === "torn") {
        scene.problem(`job ${key}, whose file was ${how}, could have been saved, and is gone`);
      }
    }
  }
  for (const key of scene.cancelled) {
    if (isExcused(scene, key)) continue;
    const state = (jobs.get(key) ?? archive.get(key))?.status.state;
    if (state !== "cancelled") {
      scene.problem(`job ${key} was said to be cancelled, and is ${state}`);
    }
  }
  for (const key of scene.removed) {
    if (jobs.has(key)) scene.problem(`job ${key} was said to be removed, and is there`);
  }
}

function checkBatches(scene: Scene, jobs: Jobs, archive: Archive): void {
  for (const keys of scene.batches) {
    const there = keys.filter((key) => jobs.has(key) || archive.has(key));
    const gone = keys.filter((key) => !there.includes(key) && !isExcused(scene, key));
    if (there.length > 0 && gone.length > 0) {
      scene.problem(
        `of a batch ${there.length} jobs are there, and ${gone.length} are not, such as ${gone[0]}`,
      );
    }
  }
}

/** What a job noted, by the lives of its id. */
function runsOf(scene: Scene, id: string): Map<number, Run[]> {
  const text = Deno.readTextFileSync(`${scene.notes}/${id}`);
  const lives = new Map<number, Run[]>();
  for (const line of text.split("\n").slice(0, -1)) {
    const [what, attempt = "", pid = "", life = "", code] = line.split(" ");
    const runs = lives.get(Number(life)) ?? [];
    lives.set(Number(life), runs);
    if (what === "overlap") {
      scene.problem(`two runs of job ${id} at the same time: ${JSON.stringify(text)}`);
    } else if (what === "begin") {
      runs.push({ attempt: Number(attempt), pid: Number(pid), code: undefined });
    } else if (what === "end") {
      const run = runs.find((run) => run.pid === Number(pid) && run.attempt === Number(attempt));
      if (run === undefined) {
        scene.problem(`job ${id} ended a run that it did not begin: ${JSON.stringify(text)}`);
      } else run.code = Number(code);
    } else scene.problem(`job ${id} noted ${JSON.stringify(line)}`);
  }
  return lives;
}

function told(runs: readonly Run[]): string {
  return runs.map(({ attempt, code }) => `attempt ${attempt}: ${code ?? "no end"}`).join(", ");
}

/**
 * Each run that a job noted is an attempt in its history, none overlapped, and none came after it
 * was completed.
 */
function checkRuns(scene: Scene, id: string, job: Job, runs: readonly Run[]): void {
  const about = () => `${told(runs)} against ${JSON.stringify(job.history)}`;
  if (new Set(runs.map(({ attempt }) => attempt)).size < runs.length) {
    scene.problem(`job ${id} ran one attempt twice: ${about()}`);
  }
  for (const run of runs) {
    const attempt = job.history.find(({ attempt }) => attempt === run.attempt);
    if (attempt === undefined) {
      scene.problem(
        `job ${id} ran attempt ${run.attempt}, which is not in its history: ${about()}`,
      );
    } else if (
      run.code !== undefined && attempt.exitCode !== null && attempt.exitCode !== run.code &&
      attempt.signal === null && attempt.outcome !== "timed_out" &&
      attempt.outcome !== "cancelled" &&
      attempt.outcome !== "released"
    ) {
      scene.problem(`attempt ${run.attempt} of job ${id} ended with another exit code: ${about()}`);
    } else if (attempt.outcome === "succeeded" && run.code !== 0) {
      scene.problem(`attempt ${run.attempt} of job ${id} did not succeed: ${about()}`);
    }
  }
  for (const { attempt, outcome } of job.history) {
    const ran = runs.some((run) => run.attempt === attempt);
    if (outcome === "succeeded" && !ran) {
      scene.problem(`attempt ${attempt} of job ${id} never ran: ${about()}`);
    }
  }
  const done = job.history.findIndex(({ outcome }) => outcome === "succeeded");
  if (done >= 0 && done < job.history.length - 1) {
    scene.problem(`job ${id} ran again after it succeeded: ${about()}`);
  }
  const numbers = job.history.map(({ attempt }) => attempt);
  if (numbers.some((number, i) => number !== i + 1)) {
    scene.problem(`the attempts of job ${id} are not numbered from 1: ${about()}`);
  }
  if (job.status.state === "completed" && done < 0) {
    scene.problem(`job ${id} is completed without success: ${about()}`);
  }
}

/** What a run that succeeded printed is in its log, whole, whoever followed it to its end. */
function checkLogs(scene: Scene, jobs: Jobs): void {
  for (const [key, job] of jobs) {
    if (scene.damaged.has(job.id)) continue;
    const life = key.split("#")[1] ?? "0";
    for (const { attempt, outcome } of job.history) {
      if (outcome !== "succeeded") continue;
      const path = logPath(scene.dataDir, job.id, attempt);
      let text: string;
      try {
        text = Deno.readTextFileSync(path);
      } catch {
        scene.problem(`the log of attempt ${attempt} of job ${job.id} is missing`);
        continue;
      }
      const words = `${job.id} ${attempt} ${life}\n`;
      const isWhole = text.startsWith(`begin ${words}`) && text.endsWith(`end ${words}`);
      if (
        !isWhole && !/\n\[queuectl: log capped at \d+ bytes; the rest was dropped\]\n/.test(text)
      ) {
        scene.problem(`the log of attempt ${attempt} of job ${job.id} is not whole: ${path}`);
      }
    }
  }
}
