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
  /** Begins to send it to where all hosts can read it; left out where the file is that place. */
  sendOutput?(
    id: string,
    attempt: number,
    limit: number,
  ): { finish(signal: AbortSignal): Promise<void> };
}

/**
 * Sends what the attempt prints while `follow` waits for its end. Returns when all is sent: whoever
 * sees that it has ended, sees all of its output.
 * @param force where it aborts, the rest is given up
 */
export async function sendingOutput<T>(
  place: OutputPlace,
  { id, attempt, logMax }: Run,
  force: AbortSignal,
  follow: () => Promise<T>,
): Promise<T> {
  const sender = place.sendOutput?.(id, attempt, logMax);
  try {
    return await follow();
  } finally {
    await sender?.finish(force);
  }
}
