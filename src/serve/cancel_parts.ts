// What it takes to call jobs off.
import type { Job } from "../queue/job.ts";
import type { JobStore } from "../queue/store.ts";
import { Problem } from "./answer.ts";
import type { Parts } from "./parts.ts";

export function cancelParts(
  { store, sleep, endOrphan, ending }: Pick<Parts, "store" | "sleep" | "endOrphan" | "ending">,
  jobs: JobStore,
) {
  return {
    jobs,
    settings: () => store.settings(),
    workers: () => store.workers(),
    openRequests: () => store.openRequests(),
    endOrphan: (job: Job) => endOrphan(jobs, job),
    sleep: async (milliseconds: number) => {
      if (ending.aborted) throw new Problem(503, "unfinished", "The server is about to end");
      await sleep(milliseconds);
    },
    say: () => {},
  };
}
