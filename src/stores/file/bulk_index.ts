// Makes the tickets of many jobs at once, in new buckets: for jobs that are not enqueued but come
// from a backup.
import type { Job } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { arrivalOf, bucketName, jobPath, timedName, waitingName } from "./layout.ts";
import { waitingTicket } from "./staging.ts";
import { endedTicket } from "./tickets.ts";
import { BUCKET_SIZE } from "./bucketed_index.ts";

/** The tickets to make, by index and, for ready ones, by priority. */
export type Layout = Map<string, { folder: string; names: { name: string; id: string }[] }>;

/** Notes where the ticket of a job belongs. A running job counts as waiting. */
export function note(layout: Layout, job: Job, now: number): void {
  const status = job.status.state === "processing" ? job.status.before : job.status;
  let folder: string;
  let name: string;
  let key: string;
  if (status.state === "completed" || status.state === "dead" || status.state === "cancelled") {
    folder = key = status.state;
    name = timedName(endedTicket(job, status));
  } else {
    const waiting = waitingTicket(job, status, now);
    folder = key = waiting.folder;
    name = waitingName(waiting.folder, waiting.ticket);
    if (folder === "ready") key += waiting.ticket.priority;
  }
  const place = layout.get(key);
  if (place === undefined) layout.set(key, { folder, names: [{ name, id: job.id }] });
  else place.names.push({ name, id: job.id });
}

/** Makes the tickets under `root`, where the jobs' files and the queue's folders exist already. */
export function layOut(files: FileSystem, root: string, layout: Layout): void {
  let buckets = 0;
  for (const { folder, names } of layout.values()) {
    names.sort((a, b) => a.name < b.name ? -1 : 1);
    for (let start = 0; start < names.length; start += BUCKET_SIZE) {
      const part = names.slice(start, start + BUCKET_SIZE);
      // The count in a bucket's name may stand for pending jobs only, so not if one of them has
      // failed.
      const isCounted = folder !== "ready" && folder !== "later" ||
        part.every(({ name }) => name[44] === "p");
      const bucket = bucketName({
        lower: part[0]!.name.slice(0, 43),
        newest: part.map(({ name }) => arrivalOf(name)).reduce((a, b) => a > b ? a : b),
        count: isCounted ? part.length : undefined,
        unique: `r${buckets++}`,
      });
      files.makeFolder(`${root}/queue/${folder}/${bucket}`);
      for (const { name, id } of part) {
        files.link(jobPath(root, id), `${root}/queue/${folder}/${bucket}/${name}`);
      }
    }
  }
}
