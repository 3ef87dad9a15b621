// From what users write of the jobs that one is to wait for, to ids: whole ones, or beginnings that
// fit one job.
import { findJob } from "./find_job.ts";
import type { JobReader } from "./store.ts";

/**
 * The ids that are meant, each once.
 * @param known ids that are about to come, which win over beginnings of others
 * @throws QueueError `not_found`, `ambiguous_id`
 */
export async function resolveIds(
  store: JobReader,
  words: readonly string[],
  known: { has(id: string): boolean } = new Set<string>(),
): Promise<string[]> {
  const ids = new Set<string>();
  for (const word of words) ids.add(known.has(word) ? word : (await findJob(store, word)).id);
  return [...ids];
}
