// Answers of the API, good and bad.
import { type ErrorCode, QueueError } from "../queue/errors.ts";

export function json(value: unknown, status = 200, headers: HeadersInit = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** What an answer may say of itself beside the codes of `QueueError`. */
export type ProblemCode =
  | ErrorCode
  | "unauthorized"
  | "forbidden"
  | "read_only"
  | "wrong_host"
  | "wrong_method"
  | "too_large"
  | "too_slow"
  | "not_json"
  | "busy"
  | "bug";

/** Why something can't be done. Thrown by handlers, and made an answer in one place. */
export class Problem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly hint: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ProblemCode,
    message: string,
    { hint = null, headers = {} }: { hint?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.headers = headers;
  }

  answer(): Response {
    const { code, message, hint } = this;
    return json({ error: { code, message, hint } }, this.status, this.headers);
  }
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  usage: 400,
  not_found: 404,
  ambiguous_id: 409,
  duplicate_id: 409,
  wrong_state: 409,
  claim_lost: 409,
  refused: 409,
  unavailable: 503,
  unfinished: 503,
  damaged: 500,
  io: 500,
};

/** What became of something that failed, as an answer. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (!(error instanceof QueueError)) return undefined;
  const { code, message, hint } = error;
  return new Problem(STATUS[code], code, message, { hint: hint ?? null });
}
