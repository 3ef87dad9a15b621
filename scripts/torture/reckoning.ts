// The reckoning at the end: what the jobs themselves noted against what the queue says of them.
import { openFileStore } from "../../src/stores/file/store.ts";
import { logPath } from "../../src/stores/file/layout.ts";
import type { Job } from "../../src/queue/job.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { Archive } from "./faults.ts";
import type { Scene } from "./scene.ts";

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
  const jobs = new Map<string, Job>();
  const store = await openFileStore(scene.dataDir, { files: diskFiles });
  for await (const job of store.list({})) jobs.set(job.id, job);
  store.close();
  const figures: Figures = { jobs: jobs.size, runs: 0, attempts: 0, lost: 0, byOutcome: {} };
  await checkCounts(scene, jobs);
  checkAcknowledged(scene, jobs, archive);
  checkBatches(scene, jobs, archive);
  for (const id of scene.names(scene.notes)) {
    checkRuns(scene, id, jobs.get(id) ?? archive.get(id), figures);
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

async function checkCounts(scene: Scene, jobs: Map<string, Job>): Promise<void> {
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
    if (!jobs.has(id)) scene.problem(`list shows ${id}, which the store does not know`);
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

function checkAcknowledged(scene: Scene, jobs: Map<string, Job>, archive: Archive): void {
  for (const id of scene.acknowledged) {
    const job = jobs.get(id);
    if (
      job !== undefined || archive.has(id) || scene.removed.has(id) || scene.perhapsRemoved.has(id)
    ) {
      continue;
    }
    if (scene.damaged.has(id)) {
      scene.did("jobs lost by damage", `${id} ${scene.damaged.get(id)}`);
      if (scene.damaged.get(id) === "deleted" || scene.damaged.get(id) === "torn") {
        scene.problem(
          `job ${id}, whose file was ${scene.damaged.get(id)}, could have been saved, and is gone`,
        );
      }
    } else scene.problem(`job ${id} was acknowledged, and is gone`);
  }
  for (const id of scene.cancelled) {
    if (scene.damaged.has(id)) continue;
    const state = (jobs.get(id) ?? archive.get(id))?.status.state;
    if (state !== "cancelled") scene.problem(`job ${id} was said to be cancelled, and is ${state}`);
  }
  for (const id of scene.removed) {
    if (jobs.has(id)) scene.problem(`job ${id} was said to be removed, and is there`);
  }
}

function checkBatches(scene: Scene, jobs: Map<string, Job>, archive: Archive): void {
  for (const ids of scene.batches) {
    const gone = ids.filter((id) =>
      !jobs.has(id) && !archive.has(id) && !scene.removed.has(id) &&
      !scene.perhapsRemoved.has(id) &&
      !scene.damaged.has(id)
    );
    const there = ids.filter((id) => jobs.has(id) || archive.has(id));
    if (there.length > 0 && gone.length > 0) {
      scene.problem(
        `of a batch ${there.length} jobs are there, and ${gone.length} are not, such as ${gone[0]}`,
      );
    }
  }
}

/**
 * Each run that a job noted is an attempt in its history, none overlapped, and none came after it
 * was completed.
 */
function checkRuns(scene: Scene, id: string, job: Job | undefined, figures: Figures): void {
  const text = Deno.readTextFileSync(`${scene.notes}/${id}`);
  const runs: Run[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const [what, attempt, pid, code] = line.split(" ");
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
  figures.runs += runs.length;
  if (scene.damaged.has(id) || scene.removed.has(id) || scene.perhapsRemoved.has(id)) return;
  if (job === undefined) {
    return scene.problem(`job ${id} has run, and is gone: ${JSON.stringify(text)}`);
  }
  const about = () => `${JSON.stringify(text)} against ${JSON.stringify(job.history)}`;
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
function checkLogs(scene: Scene, jobs: Map<string, Job>): void {
  for (const job of jobs.values()) {
    if (scene.damaged.has(job.id)) continue;
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
      const key = `${job.id} ${attempt}\n`;
      const isWhole = text.startsWith(`begin ${key}`) && text.endsWith(`end ${key}`);
      if (
        !isWhole && !/\n\[queuectl: log capped at \d+ bytes; the rest was dropped\]\n/.test(text)
      ) {
        scene.problem(`the log of attempt ${attempt} of job ${job.id} is not whole: ${path}`);
      }
    }
  }
}
