// Actions on one job. Refusals are kept by job, so that they can be shown next to it. Those on many
// jobs are in many.tsx.
import { signal } from "@preact/signals";
import { severalLines } from "../../src/view/escape.ts";
import type { JobState } from "../../src/queue/job.ts";
import { type Job, jobPath, type Problem, problemOf, tell } from "../api.ts";
import { note, openDialog, Question } from "./dialog.tsx";
import { shortId } from "./words.tsx";

export type Verb = "retry" | "cancel" | "remove";

export const VERBS: readonly Verb[] = ["retry", "cancel", "remove"];
const NAMES = { retry: "Retry", cancel: "Cancel", remove: "Remove" } as const;
export const DONE = { retry: "Retried", cancel: "Cancelled", remove: "Removed" } as const;

const ENDED: readonly JobState[] = ["completed", "dead", "cancelled"];

/** Whether a job in this state can be retried, cancelled or removed. */
export function canBe(verb: Verb, state: JobState): boolean {
  return ENDED.includes(state) !== (verb === "cancel");
}

export function nameOf(verb: Verb): string {
  return NAMES[verb];
}

/** The refusals, by job id. */
export const refusals = signal<ReadonlyMap<string, Problem>>(new Map());
/** The ids of jobs with an action under way. */
export const busy = signal<ReadonlySet<string>>(new Set());

export function dropRefusal(id: string): void {
  const left = new Map(refusals.value);
  if (left.delete(id)) refusals.value = left;
}

/** Acts on one job, after asking where that is risky. */
export function actOn(verb: Verb, job: Job, after?: () => void): void {
  const act = () => void doTo(verb, job.id, after);
  const question = questionOf(verb, job.state);
  if (question === undefined) return act();
  const { title, yes, about } = question;
  openDialog(
    <Question title={title} yes={yes} isBad={verb !== "retry"} onYes={act}>
      <p class="mono subject">{severalLines(job.command)}</p>
      <p class="quiet">{about}</p>
    </Question>,
  );
}

/** The question before an action that destroys something or runs a command twice. */
function questionOf(verb: Verb, state: JobState) {
  if (verb === "remove") {
    return {
      title: "Remove this job?",
      yes: "Remove",
      about: "Its history and output are removed, too. This can't be undone.",
    };
  }
  if (verb === "cancel" && state === "processing") {
    return {
      title: "Cancel this running job?",
      yes: "Cancel the job",
      about: "It gets SIGTERM, and SIGKILL if it does not stop.",
    };
  }
  if (verb === "retry" && state === "completed") {
    return {
      title: "Run this job again?",
      yes: "Retry",
      about: "It has completed. Its history stays.",
    };
  }
  return undefined;
}

async function doTo(verb: Verb, id: string, after?: () => void): Promise<void> {
  dropRefusal(id);
  busy.value = new Set([...busy.value, id]);
  try {
    await tell(jobPath(id, `/${verb}`));
    note(`${DONE[verb]}: ${shortId(id)}`);
    after?.();
  } catch (error) {
    refusals.value = new Map([...refusals.value, [id, problemOf(error)]]);
  } finally {
    busy.value = new Set([...busy.value].filter((one) => one !== id));
  }
}
