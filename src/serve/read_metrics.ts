// Gathers from a store what its metrics tell.
import { DeadGroups } from "../queue/dead_groups.ts";
import { dlqStats } from "../queue/operations.ts";
import { dueAt } from "../queue/status.ts";
import type { QueueStore } from "../queue/queues.ts";
import type { JobReader } from "../queue/store.ts";
import type { Store } from "../stores/store.ts";
import { type MetricsFacts, metricsText } from "./metrics.ts";
import type { RememberedFigures } from "./parts.ts";

/** How each of the figures is read that are remembered for a while. */
export function figureReaders(store: Store, jobs: JobReader, ending: AbortSignal) {
  const watching = { signal: ending, passed: () => {} };
  // Kept open, since it remembers what has not changed.
  let queueStore: QueueStore | undefined;
  return {
    counts: () => jobs.count(),
    queues: async () => await (queueStore ??= await store.queues()).list(),
    tally: async () => await (await store.tallies()).total(),
    dlq: async () => {
      const groups = new DeadGroups();
      const stats = await dlqStats(jobs, watching, (job) => groups.add(job));
      return { stats, groups: groups.list() };
    },
  } satisfies { [K in keyof RememberedFigures]: () => Promise<RememberedFigures[K]> };
}

/** The text, with `figures` as they were a moment ago. */
export async function readMetrics(
  store: Store,
  jobs: JobReader,
  figures: Pick<RememberedFigures, "counts" | "queues" | "tally">,
  { version, now }: { readonly version: string; readonly now: number },
): Promise<string> {
  const { oldest } = await jobs.waitingEnds(now);
  return metricsText({
    version,
    ...figures,
    workers: await countWorkers(store, jobs),
    oldestWaiting: oldest && Math.max(0, now - dueAt(oldest)) / 1000,
  });
}

/** The text, of figures as they are. */
export async function metricsOf(
  store: Store,
  jobs: JobReader,
  facts: { readonly version: string; readonly now: number },
): Promise<string> {
  const read = figureReaders(store, jobs, new AbortController().signal);
  const figures = {
    counts: await read.counts(),
    queues: await read.queues(),
    tally: await read.tally(),
  };
  return await readMetrics(store, jobs, figures, facts);
}

async function countWorkers(store: Store, jobs: JobReader): Promise<MetricsFacts["workers"]> {
  const living = await (await store.workers()).live();
  let busy = 0;
  for (const { name } of living) if ((await jobs.claimedBy(name)).length > 0) busy++;
  return { idle: living.length - busy, busy };
}
