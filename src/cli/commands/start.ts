// queuectl start: runs the supervisor in the foreground.
import { QueueError } from "../../queue/errors.ts";
import type { Call } from "../call.ts";

/** Runs jobs until stopped. */
export function startCommand(_call: Call): Promise<number | void> {
  return Promise.reject(new QueueError("refused", "start is not built yet"));
}
