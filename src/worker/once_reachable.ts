// Steps of a worker that wait for the store, however long it is away: the `start` that the worker
// belongs to tells it, once for all.
import { isUnavailable } from "../queue/errors.ts";
import { delay } from "../system/delay.ts";

/** Milliseconds between tries. */
const TRY_AGAIN = 1000;

/** @returns what `step` returns; undefined if `signal` aborts before the store is there */
export async function onceReachable<T>(
  step: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await step();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
    await delay(TRY_AGAIN, signal);
  }
  return undefined;
}
