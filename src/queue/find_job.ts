// Finds the job that a user means by an id or the beginning of one.
import { isJobId, type Job } from "./job.ts";
import { QueueError } from "./errors.ts";
import type { JobReader } from "./store.ts";

const NAMED = 4;

/**
 * The job whose id is `text`, or the only one whose id begins with it.
 *
 * @throws QueueError `not_found`, with the most similar id as a hint; `ambiguous_id`, naming a few
 */
export async function findJob(store: JobReader, text: string): Promise<Job> {
  // Text that can't be the beginning of an id must not reach a store, which may use it as part of a
  // path.
  const possible = isJobId(text);
  const exact = possible ? await store.get(text) : undefined;
  if (exact !== undefined) return exact;
  const ids = possible ? await store.findIdsByPrefix(text, NAMED + 1) : [];
  if (ids.length > 1) {
    const some = ids.slice(0, NAMED).sort().join(", ");
    throw new QueueError(
      "ambiguous_id",
      `The id "${text}" fits several jobs: ${some}${ids.length > NAMED ? ", …" : ""}`,
      { hint: "Give more of the id" },
    );
  }
  const job = ids[0] === undefined ? undefined : await store.get(ids[0]);
  if (job !== undefined) return job;
  const meant = possible ? await nearMiss(store, text) : undefined;
  throw new QueueError("not_found", `No job "${text}"`, {
    hint: meant === undefined ? "List the jobs: queuectl list" : `Did you mean ${meant}?`,
  });
}

/**
 * The jobs for several ids, each once, in the given order. Commands call this before they change
 * anything, so that a wrong id changes nothing.
 *
 * @throws as `findJob`
 */
export async function findJobs(store: JobReader, texts: readonly string[]): Promise<Job[]> {
  const jobs = new Map<string, Job>();
  for (const text of texts) {
    const job = await findJob(store, text);
    jobs.set(job.id, job);
  }
  return [...jobs.values()];
}

async function nearMiss(store: JobReader, text: string): Promise<string | undefined> {
  const { nearest } = await import("./nearest.ts");
  // In a big queue, a mistake in the first two characters is not recognized, since comparing with
  // every id would take too long.
  for (const prefix of [text.slice(0, 2), ""]) {
    const ids = await store.findIdsByPrefix(prefix, 1000);
    const whole = nearest(text, ids);
    if (whole !== undefined) return whole;
    if (text.length < 6) continue;
    const cut = nearest(text, ids.map((id) => id.slice(0, text.length)));
    const fits = ids.filter((id) => cut !== undefined && id.startsWith(cut));
    if (fits.length === 1) return fits[0];
  }
  return undefined;
}
