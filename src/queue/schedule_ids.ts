// The ids of jobs of schedules, by which they are told apart and found again. Pure.
import { isJobId } from "./job.ts";

/** The id of the job for one time. An id can be used only once, so each time fires only once. */
export function firedJobId(name: string, at: number): string {
  return `${name}-${stampOf(at)}Z`;
}

/**
 * The id of a job that a user enqueues now by a schedule. It is none of `firedJobId`, which would
 * mark a time as fired. Ids of the same schedule sort by time.
 *
 * @param random a random id; taken as it is where the name is too long for more
 */
export function runJobId(name: string, now: number, random: string): string {
  const id = `${runJobPrefix(name)}${stampOf(now)}-${random.slice(0, 8)}`;
  return isJobId(id) ? id : random;
}

/** What ids of `runJobId` begin with; so may others. */
export function runJobPrefix(name: string): string {
  return `${name}-run-`;
}

/** Whether this is an id of `runJobId`. */
export function isRunJobId(name: string, id: string): boolean {
  const prefix = runJobPrefix(name);
  return id.startsWith(prefix) && /^\d{8}T\d{6}-.{1,8}$/.test(id.slice(prefix.length));
}

/** A time in ids: `20261124T203000`. */
function stampOf(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "");
}
