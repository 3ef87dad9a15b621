// Each run that a job noted is an attempt in its history, and no other is.
import type { Job } from "../../../src/queue/job.ts";
import { type Facts, type Run, toldRuns } from "./facts.ts";

const PROMISE = "every run";

/** Those that ran, and what their histories say of it. */
export function checkRuns(facts: Facts): void {
  for (const [key, runs] of facts.runs) {
    if (facts.ledger.isExcused(key)) continue;
    const job = facts.all.get(key);
    if (job !== undefined) checkJob(facts, key, job, runs);
    else facts.broken(PROMISE, `job ${key} has run, and is gone: ${toldRuns(runs)}`);
  }
}

/**
 * Each run that a job noted is an attempt in its history, none overlapped, and none came after it
 * was completed, unless a user wanted it again.
 */
function checkJob(facts: Facts, id: string, job: Job, runs: readonly Run[]): void {
  const wrong = (text: string) =>
    facts.broken(PROMISE, `${text}: ${toldRuns(runs)} against ${JSON.stringify(job.history)}`);
  if (new Set(runs.map(({ attempt }) => attempt)).size < runs.length) {
    wrong(`job ${id} ran one attempt twice`);
  }
  for (const run of runs) {
    const attempt = job.history.find(({ attempt }) => attempt === run.attempt);
    if (attempt === undefined) {
      wrong(`job ${id} ran attempt ${run.attempt}, which is not in its history`);
    } else if (
      run.code !== undefined && attempt.exitCode !== null && attempt.exitCode !== run.code &&
      attempt.signal === null && attempt.outcome !== "timed_out" &&
      attempt.outcome !== "cancelled" &&
      attempt.outcome !== "released"
    ) {
      wrong(`attempt ${run.attempt} of job ${id} ended with another exit code`);
    } else if (attempt.outcome === "succeeded" && run.code !== 0) {
      wrong(`attempt ${run.attempt} of job ${id} did not succeed`);
    }
  }
  for (const { attempt, outcome } of job.history) {
    const ran = runs.some((run) => run.attempt === attempt);
    if (outcome === "succeeded" && !ran) {
      wrong(`attempt ${attempt} of job ${id} never ran`);
    }
  }
  const done = job.history.findIndex(({ outcome }) => outcome === "succeeded");
  const again = facts.ledger.mayBeRetried(id);
  if (done >= 0 && done < job.history.length - 1 && !again) {
    wrong(`job ${id} ran again after it succeeded`);
  }
  const numbers = job.history.map(({ attempt }) => attempt);
  if (numbers.some((number, i) => number !== i + 1)) {
    wrong(`the attempts of job ${id} are not numbered from 1`);
  }
  if (job.status.state === "completed" && job.history.at(-1)?.outcome !== "succeeded") {
    wrong(`job ${id} is completed without success`);
  }
}
