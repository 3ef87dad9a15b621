// The reckoning at the end: what the jobs themselves noted against what the queue says of them, one
// promise after another.
import type { Job } from "../../../src/queue/job.ts";
import { openFileStore } from "../../../src/stores/file/store.ts";
import { diskFiles } from "../../../src/system/file_system.ts";
import type { Archive } from "../faults/fault.ts";
import { keyOfJob } from "../ledger.ts";
import type { Scene } from "../scene.ts";
import { checkCalledOff } from "./called_off.ts";
import { checkCounts } from "./counts.ts";
import { checkDependencies } from "./dependencies.ts";
import { Facts } from "./facts.ts";
import { checkHooks } from "./hooks.ts";
import { checkKept } from "./kept.ts";
import { checkKeys } from "./keys.ts";
import { checkLogs } from "./logs.ts";
import { checkQueues } from "./queues.ts";
import { checkRevisions } from "./revisions.ts";
import { checkRuns } from "./runs.ts";
import { checkSchedules } from "./schedules.ts";

export interface Figures {
  jobs: number;
  runs: number;
  attempts: number;
  lost: number;
  byOutcome: Record<string, number>;
  /** How often each promise was put to the test. */
  tested: ReadonlyMap<string, number>;
}

const CHECKS = [
  checkKept,
  checkRuns,
  checkLogs,
  checkCalledOff,
  checkDependencies,
  checkQueues,
  checkKeys,
  checkSchedules,
  checkHooks,
  checkRevisions,
];

/** Compares everything; what is wrong becomes a problem of the scene. */
export async function reckon(scene: Scene, archive: Archive): Promise<Figures> {
  const jobs = new Map<string, Job>();
  const store = await openFileStore(scene.dataDir, { files: diskFiles });
  for await (const job of store.list({})) jobs.set(keyOfJob(job), job);
  await store.close();
  const facts = new Facts(scene, jobs, archive);
  await checkCounts(facts);
  for (const check of CHECKS) check(facts);
  return figuresOf(facts);
}

function figuresOf({ jobs, all, runs, tested }: Facts): Figures {
  const figures: Figures = {
    jobs: jobs.size,
    runs: 0,
    attempts: 0,
    lost: 0,
    byOutcome: {},
    tested,
  };
  for (const own of runs.values()) figures.runs += own.length;
  for (const { history } of all.values()) {
    for (const { outcome } of history) {
      figures.attempts++;
      if (outcome === "lost") figures.lost++;
      figures.byOutcome[outcome] = (figures.byOutcome[outcome] ?? 0) + 1;
    }
  }
  return figures;
}
