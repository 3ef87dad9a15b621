// The error class for failures that users may cause and are told about. Any other error is a bug.

/** The kind of failure, for programs to test. */
export type ErrorCode =
  | "usage" // the command line, or a value on it, is wrong
  | "not_found"
  | "ambiguous_id"
  | "duplicate_id"
  | "wrong_state"
  | "claim_lost" // the caller no longer holds the job
  | "unfinished" // what was waited for did not happen in time, or failed
  | "damaged" // a file of the store is not what it should be
  | "refused" // unsafe or not allowed here
  | "unavailable" // the store can't be reached now; trying again may do
  | "io"; // the operating system refused

/**
 * An expected failure. `message` says in one line what could not be done and why; `hint` says what
 * to do next, if that is known.
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

/** What every store says of a job whose id is taken. */
export function idIsTaken(id: string): QueueError {
  return new QueueError("duplicate_id", `Cannot enqueue job "${id}": a job with this id exists`, {
    hint: `See it: queuectl job show ${id}`,
  });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether it was only that the store can't be reached now. */
export function isUnavailable(error: unknown): error is QueueError {
  return error instanceof QueueError && error.code === "unavailable";
}

/** What no other try changes: the job is gone, has another owner, or can't be read. */
const PERMANENT: readonly ErrorCode[] = ["not_found", "claim_lost", "wrong_state", "damaged"];

/**
 * Whether trying again is of no use. A server that is full or refuses a password may take it later.
 */
export function isPermanent(error: unknown): boolean {
  return error instanceof QueueError && PERMANENT.includes(error.code);
}

/** Whether another try may do: the store can't be reached, is full, or refuses a password. */
export function isPassing(error: unknown): boolean {
  return error instanceof QueueError && !isPermanent(error);
}
