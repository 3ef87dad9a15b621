// The states of jobs, as people list them.
import { QueueError } from "./errors.ts";
import { JOB_STATES, type JobState } from "./job.ts";
import { nearest } from "./nearest.ts";

/**
 * The states of a list that is separated by commas, each once.
 * @param what it is called in messages
 * @throws QueueError `usage`
 */
export function statesOf(what: string, text: string): JobState[] {
  const states = new Set<JobState>();
  for (const word of text.split(",").map((part) => part.trim())) {
    const state = JOB_STATES.find((known) => known === word);
    if (state === undefined) {
      const meant = nearest(word, JOB_STATES);
      throw new QueueError(
        "usage",
        `${what}: there is no state "${word}", only ${JOB_STATES.join(", ")}`,
        { ...(meant !== undefined && { hint: `Did you mean ${meant}?` }) },
      );
    }
    states.add(state);
  }
  return [...states];
}
