// The jobs that a query means, from a store that gives them page by page.
import type { Job } from "../../queue/job.ts";
import { matches } from "../../queue/query.ts";
import type { Arrival, Query, Watching } from "../../queue/store.ts";

export interface Pages {
  /** The jobs that are read at once, at most. */
  readonly most: number;
  /** Whether the pages have none but the jobs that are meant; else what fits may come late. */
  readonly isExact: boolean;
  /** At most `size` jobs that may be meant, newest first, after the last one. */
  page(last: Arrival | undefined, size: number): Promise<readonly Job[]>;
}

export async function* listInPages(
  query: Query,
  watching: Watching | undefined,
  { most, isExact, page }: Pages,
): AsyncIterable<Job> {
  const { limit = Infinity } = query;
  const isMeant = await matches(query);
  let left = limit;
  let last = query.before;
  while (left > 0) {
    const size = isExact ? Math.min(left, most) : most;
    const jobs = await page(last, size);
    for (const job of jobs) {
      watching?.passed(job);
      if (watching?.signal.aborted) return;
      if (left > 0 && isMeant(job) && left-- > 0) yield job;
    }
    last = jobs.at(-1);
    if (jobs.length < size) return;
  }
}
