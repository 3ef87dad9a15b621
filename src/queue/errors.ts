// The one kind of error that a user may cause and is told about. Anything else that is thrown is a
// bug.

/** What went wrong, in a word that programs can test. */
export type ErrorCode =
  | "usage" // the command line, or a value on it, is wrong
  | "not_found"
  | "ambiguous_id"
  | "duplicate_id"
  | "wrong_state"
  | "claim_lost" // the job is no longer held by whoever speaks of it
  | "unfinished" // what was waited for did not come, or not well
  | "damaged" // a file of the store can't be read as what it should be
  | "refused" // unsafe or not allowed here
  | "unavailable" // the store can't be reached now; trying again may do
  | "io"; // the operating system said no

/**
 * An expected failure. `message` says what could not be done and why, in one line; `hint` says what
 * to do next, where that is known.
 */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = options.hint;
  }
}

/** What went wrong, in words, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether it was only that the store can't be reached now. */
export function isUnavailable(error: unknown): error is QueueError {
  return error instanceof QueueError && error.code === "unavailable";
}
