// Where a page of jobs ends, as a text that clients hand back unread. Pure.
import { QueueError } from "../queue/errors.ts";
import { isJobId } from "../queue/job.ts";
import type { Arrival } from "../queue/store.ts";

export function cursorOf({ createdAt, sequence, id }: Arrival): string {
  return `${createdAt}.${sequence}.${id}`;
}

/** @throws QueueError `usage` if it is none of ours */
export function arrivalOf(cursor: string): Arrival {
  const [, createdAt, sequence, id] = /^(-?\d{1,16})\.(\d{1,16})\.(.+)$/.exec(cursor) ?? [];
  if (id === undefined || !isJobId(id)) {
    throw new QueueError("usage", `"${cursor}" is no cursor: take next_cursor of an answer`);
  }
  return { createdAt: Number(createdAt), sequence: Number(sequence), id };
}
