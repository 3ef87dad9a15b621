// queuectl stop: stops all workers, and waits until they have.
import { QueueError } from "../../queue/errors.ts";
import type { Call } from "../call.ts";

/** Stops all workers. */
export function stopCommand(_call: Call): Promise<number | void> {
  return Promise.reject(new QueueError("refused", "stop is not built yet"));
}
