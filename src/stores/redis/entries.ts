// Where a job stands in the sorted sets, and what has to be changed there when it changes. Members sort
// as texts in the exact order of claiming or of arrival: all have the score 0, but where a time is the
// score.
import {
  attemptsBegun,
  hasEnded,
  isWaiting,
  type Job,
  turnTime,
  updatedAt,
} from "../../queue/job.ts";
import { PRIORITY_LIMIT } from "../../queue/job.ts";
import type { Arrival } from "../../queue/store.ts";

/** A place in a sorted set. */
export interface Entry {
  readonly key: string;
  readonly score: number;
  readonly member: string;
}

/** All places of a job. A claim changes them by itself: see script_claim.ts. */
export function entriesOf(job: Job): Entry[] {
  const { id, queue, group, status } = job;
  const arrival = arrivalText(job);
  const entries: Entry[] = [];
  const add = (key: string, member: string, score = 0) => void entries.push({ key, score, member });
  add("ids", id);
  add("arrivals", arrival);
  if (group !== null) add("groups", `${group}/${arrival}`);
  if (hasEnded(job)) {
    add("states", `${status.state}/${arrival}`);
    add(`ended:${status.state}`, id, updatedAt(job));
    return entries;
  }
  add("active", `${queue}/${status.state}/${arrival}`);
  if (isWaiting(status)) {
    const turn = timeText(turnTime(job, status));
    const member = `${queue}/${priorityText(job.priority)}${turn}${arrival}`;
    if (status.runAt === null) add("ready", member);
    else add("later", member, status.runAt);
  }
  const mayExpire = job.startBy !== null && attemptsBegun(job) === 0 &&
    (status.state === "pending" || status.state === "blocked") && status.since <= job.startBy;
  if (mayExpire) add("expiring", id, job.startBy!);
  return entries;
}

/** The place in the order of arrival, as a text that ends in the id. */
export function arrivalText({ createdAt, sequence, id }: Arrival): string {
  return `${timeText(createdAt)}${sequence.toString(36).padStart(7, "0")}/${id}`;
}

/** A time as a text of twelve characters, which sorts as it does. */
export function timeText(time: number): string {
  const digits = (from: number) => from.toString(36).padStart(11, "0");
  return time < 0 ? `0${digits(EARLIEST + time)}` : `1${digits(time)}`;
}

/** The time of an `arrivalText`. */
export function timeOfText(text: string): number {
  const digits = Number.parseInt(text.slice(1, 12), 36);
  return text[0] === "0" ? digits - EARLIEST : digits;
}

/** Milliseconds before 1970 that a date can be at most. */
const EARLIEST = 8.64e15;

/** Higher first, in five characters. */
function priorityText(priority: number): string {
  return (PRIORITY_LIMIT - priority).toString(36).padStart(5, "0");
}
