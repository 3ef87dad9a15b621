// Resolves the ids that users give for --after: full ids, or beginnings that fit exactly one job.
import { findJob } from "./find_job.ts";
import type { JobReader } from "./store.ts";

/**
 * The full ids, each once.
 *
 * @param known ids that are about to be enqueued, which take precedence over beginnings of others
 *
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
