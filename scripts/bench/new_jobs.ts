// Jobs as `enqueue` makes them, for stores that a measurement fills by itself.
import { makeJob } from "../../src/queue/enqueue.ts";
import type { Job } from "../../src/queue/job.ts";
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";

export function newJobs(count: number): Job[] {
  const defaults = {
    settings: DEFAULT_SETTINGS,
    now: Date.now(),
    newId: () => crypto.randomUUID(),
  };
  return Array.from(
    { length: count },
    (_, sequence) => makeJob({ command: "true", cwd: "/" }, defaults, sequence),
  );
}
