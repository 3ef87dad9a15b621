// What PostgreSQL and its driver say when something goes wrong, in words for users. Never with a
// password: messages of the driver that could hold one are not passed on.
import { QueueError } from "../../queue/errors.ts";
import { UnknownOutcome } from "../shared/lost_answers.ts";

/** What the driver throws: `code` is an SQLSTATE from the server, or that of a system call. */
export interface PgError extends Error {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly constraint?: string;
}

/** The server is about to be there, or has room again soon: worth another try. */
const SOON = new Set([
  "57P03", // starting up, or shutting down
  "53300", // too many connections
  "53400",
]);

/** The connection was ended by the server: a restart, an administrator, a failover, a time-out. */
const ENDED = new Set([
  "57P01",
  "57P02",
  "57P05", // idle_session_timeout
  "25P03", // idle_in_transaction_session_timeout
  "25P04", // transaction_timeout
  "25006",
  "08000",
  "08003",
  "08006",
  "08P01",
]);

/** A transaction has to begin again: another one was quicker. */
export class Conflict extends Error {
  constructor(cause: unknown) {
    super("another transaction was quicker", { cause });
  }
}

/** Whether a transaction was stopped by another one, and changed nothing. */
export function isConflict(error: unknown): boolean {
  if (error instanceof Conflict) return true;
  const code = codeOf(error);
  return code === "40001" || code === "40P01";
}

/** Whether the connection is gone, or there never was one: another may do. */
export function isDisconnection(error: unknown): boolean {
  if (!(error instanceof Error) || isOfStatementMode(error)) return false;
  const code = codeOf(error);
  if (code === undefined) return DRIVER_ENDS.some((text) => error.message.startsWith(text));
  return ENDED.has(code) || SOON.has(code) || SYSTEM_CALLS.has(code);
}

/**
 * Whether it was said before anything was done that this connection is of no use: by a standby, or a
 * pooler all of whose connections are in use.
 */
export function isRefusal(error: unknown): boolean {
  return isOfStandby(error) || isPoolExhausted(error);
}

/** Whether a standby has said it, which may be promoted soon. */
export function isOfStandby(error: unknown): boolean {
  return codeOf(error) === "25006";
}

/** Whether a pooler was waited for in vain. */
export function isPoolExhausted(error: unknown): boolean {
  return codeOf(error) === "08P01" && (error as Error).message === "query_wait_timeout";
}

/** Whether it is a pooler's that has no transactions; it says so with the code of a lost connection. */
function isOfStatementMode(error: Error): boolean {
  return codeOf(error) === "08P01" && error.message.includes("statement pooling mode");
}

export const PASSWORD_HINT = "Give it in $QUEUECTL_STORE_PASSWORD, $PGPASSWORD or ~/.pgpass";

/** What the driver says of a server without TLS. */
const NO_TLS = "The server does not support SSL";

/** How the driver says that a connection has ended; these errors have no code. */
const DRIVER_ENDS = [
  "Connection terminated",
  "timeout expired",
  "Client has encountered a connection error",
  "Client was closed",
  NO_TLS,
];

const SYSTEM_CALLS = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT", // no such socket
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EADDRNOTAVAIL",
  "ENOTCONN",
]);

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as PgError).code : undefined;
}

/**
 * Why the store can't be used now, for a user.
 * @param store what users call the store, without a password
 */
export function unavailable(store: string, error: unknown): QueueError {
  if (error instanceof UnknownOutcome) {
    return new QueueError("unavailable", `Lost ${store}: ${error.message}`, { cause: error });
  }
  return new QueueError("unavailable", `Cannot reach ${store}: ${reasonOf(error)}`, {
    hint: hintOf(error),
    cause: error,
  });
}

/** The error as a QueueError, where users can do something about it; else as it is, a bug. */
export function inWords(store: string, schema: string, error: unknown): unknown {
  if (error instanceof QueueError || !(error instanceof Error)) return error;
  const code = codeOf(error);
  if (isOfStatementMode(error)) {
    return new QueueError("refused", `Cannot use ${store}: its pooler has no transactions`, {
      hint: "Set pool_mode = transaction there, or name the server itself in the URL",
      cause: error,
    });
  }
  if (isDisconnection(error) || error instanceof UnknownOutcome) return unavailable(store, error);
  if (code === undefined) return error;
  if (code === "42501") return mayNot(store, schema, error);
  if (
    /^(28|3D000|0A000|55000)/.test(code) || code === UNTRANSLATABLE || SYSTEM_LIMITS.has(code) ||
    CERTIFICATE.test(code)
  ) {
    return new QueueError(
      SYSTEM_LIMITS.has(code) ? "io" : "refused",
      `Cannot use ${store}: ${error.message}`,
      {
        hint: hintOf(error),
        cause: error,
      },
    );
  }
  return error;
}

/** Of a user without the right: to see the schema at all, or to do more than enqueue and look. */
function mayNot(store: string, schema: string, error: Error): QueueError {
  if (/ schema /.test(error.message)) {
    return new QueueError("refused", `Cannot use ${store}: ${error.message}`, {
      hint: `Its owner can let you enqueue and look: select ${schema}.grant_enqueue('YOU')`,
      cause: error,
    });
  }
  const message = `The user of ${store} may not do that: ${error.message}`;
  return new QueueError("refused", message, { cause: error });
}

/** What is said of a server whose certificate is not as `sslmode` wants it. */
const CERTIFICATE = /^ERR_(?:TLS|SSL)|CERT|_SIGNATURE$/;

/** TLS did not come about, for which the server need not say why. */
const NO_SESSION = /^ERR_SSL/;

/** Of disk, memory and locks of the server; and statements that an administrator has stopped. */
const SYSTEM_LIMITS = new Set(["53000", "53100", "53200", "57014", "58030", "55P03"]);

/** Of a database whose encoding lacks a character. */
const UNTRANSLATABLE = "22P05";

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case "ECONNREFUSED":
      return "nothing answers there";
    case "ENOENT":
      return "there is no such socket";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its host's name is not known";
    case "ETIMEDOUT":
      return "no answer in time";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ENETDOWN":
      return "there is no way to its host";
    case "25006":
      return "it takes no changes: it is a standby, or set to be read-only";
  }
  const message = error instanceof Error ? error.message : String(error);
  if (isPoolExhausted(error)) {
    return "all connections of its pooler are in use (query_wait_timeout)";
  }
  if (code === "53300") return `all of its connections are in use (${message})`;
  if (message.startsWith("timeout expired")) return "no answer in time";
  if (message.startsWith(NO_TLS)) return "it does not encrypt, as sslmode wants it";
  if (code === undefined || SYSTEM_CALLS.has(code)) return "the connection has ended";
  return message;
}

function hintOf(error: unknown): string {
  const code = codeOf(error);
  if (code === "28P01") {
    return PASSWORD_HINT;
  }
  if (code === "28000" && /no encryption|SSL off/.test((error as Error).message)) {
    return "sslmode=verify-full in the URL encrypts the connection";
  }
  if (code === "28000" && /valid client certificate/.test((error as Error).message)) {
    return "Give one: sslcert=FILE and sslkey=FILE in the URL";
  }
  if (code !== undefined && NO_SESSION.test(code)) {
    return "If sslcert is given: the server does not take that certificate, or sslkey is not its key";
  }
  if (code === UNTRANSLATABLE) {
    return "Make it with all characters: createdb -T template0 -E UTF8 NAME";
  }
  if (code === "57014" && /statement timeout/.test((error as Error).message)) {
    return "Let statement_timeout of this user or database be longer";
  }
  if (code === "3D000") return "Make it: createdb NAME";
  if (code?.startsWith("ERR_TLS")) return "Name the host as its certificate does";
  if (code !== undefined && CERTIFICATE.test(code)) {
    return "sslrootcert=FILE in the URL names the certificates of trusted authorities (CA)";
  }
  return "";
}
