// What an attempt prints, on its way from the file that it is written to, where that is not where
// readers look for it.
import type { Run } from "../exec/run.ts";

/** Where what attempts print goes on this host. */
export interface OutputPlace {
  /** The lease by which jobs may run here, where there are any. */
  epoch?(): string | undefined;
  /** Which start of which server keeps the store, where one does. */
  server?(): string | undefined;
  /** The file that takes what an attempt prints. */
  log(id: string, attempt: number): string;
  /**
   * Begins to send it to where all hosts can read it, and to keep the file within the limit; left
   * out where the file is that place.
   */
  sendOutput?(
    printing: { id: string; attempt: number; limit: number; isNew: boolean },
  ): { finish(signal: AbortSignal): Promise<void> };
}

/**
 * Sends what the attempt prints while `follow` waits for its end. Returns when all is sent: whoever
 * sees that it has ended, sees all of its output.
 *
 * @param follow gets the run as it is to be executed: where a sender keeps the log within its limit,
 *   a shell need not start half a dozen programs for that
 *
 * @param force where it aborts, the rest is given up
 * @param options whether the attempt `isNew`: it is yet to begin
 */
export async function sendingOutput<T>(
  place: OutputPlace,
  run: Run,
  force: AbortSignal,
  follow: (run: Run) => Promise<T>,
  { isNew = false } = {},
): Promise<T> {
  const { id, attempt, logMax: limit } = run;
  const sender = place.sendOutput?.({ id, attempt, limit, isNew });
  try {
    return await follow(sender === undefined ? run : { ...run, logMax: 0 });
  } finally {
    await sender?.finish(force);
  }
}
