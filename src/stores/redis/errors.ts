// What Redis and the way to it say when something goes wrong, in words for users. Never with a
// password: no message of the server has one.
import { isUnavailable, QueueError } from "../../queue/errors.ts";
import { UnknownOutcome } from "../shared/lost_answers.ts";
import { ErrorReply } from "./driver.ts";
import { ConnectionEnded } from "./socket.ts";

/** Answers of a server that is about to be there, or to be so again: nothing was done. */
const SOON: Readonly<Record<string, string>> = {
  LOADING: "it is reading its data",
  BUSY: "it is busy with a script",
  MASTERDOWN: "it is a replica without its master",
  CLUSTERDOWN: "its cluster is down",
  READONLY: "it takes no changes: it is a replica",
  TRYAGAIN: "its cluster is being changed",
  ASK: "its cluster is being changed",
  MOVED: "its cluster is being changed",
  NOREPLICAS: "it has fewer replicas than it wants",
};

/** What it answers at once, and ends the connection: it has no word of its own. */
const FULL = "ERR max number of clients reached";

/** Whether a server has become a replica: what it answers to `WAIT` has no word of its own. */
export function isOfReplica(error: unknown): boolean {
  return error instanceof ErrorReply &&
    (error.word === "READONLY" || error.message.startsWith("ERR WAIT cannot be used with replica"));
}

/** Whether a server has become a replica while it waited for others: whether they have it, nobody knows. */
export function wasInterrupted(error: unknown): boolean {
  return error instanceof ErrorReply && error.word === "UNBLOCKED";
}

/** Whether another connection may do: this one is gone, or the server is not ready yet. */
export function isAway(error: unknown): boolean {
  if (error instanceof ErrorReply) {
    return error.word in SOON || error.message === FULL || isOfReplica(error);
  }
  return error instanceof Error && reasonOf(error) !== undefined;
}

/** Whether it is, in words for a user, that the server has answered that it is not ready yet. */
export function isNotReady(error: unknown): boolean {
  return isUnavailable(error) && error.cause instanceof ErrorReply;
}

/** Why the store can't be used now, for a user. */
export function unavailable(store: string, error: unknown): QueueError {
  if (error instanceof UnknownOutcome) {
    return new QueueError("unavailable", `Lost ${store}: ${error.message}`, { cause: error });
  }
  const reason = reasonOf(error) ?? "the connection has ended";
  const { hint } = error instanceof ConnectionEnded ? error : {};
  return new QueueError("unavailable", `Cannot reach ${store}: ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

/** The error as a QueueError, where users can do something about it; else as it is, a bug. */
export function inWords(store: string, error: unknown): unknown {
  if (error instanceof QueueError || !(error instanceof Error)) return error;
  if (error instanceof UnknownOutcome || isAway(error)) return unavailable(store, error);
  if (error instanceof ErrorReply) return refused(store, error);
  if (!/certificate|tls|fatal alert|KeyMismatch|key data/i.test(error.message)) return error;
  const [why, hint] = ofCertificate(error.message);
  return new QueueError("refused", `Cannot use ${store}: ${why}`, { hint, cause: error });
}

/** What is wrong about certificates, and what to do. @param message as Deno says it */
function ofCertificate(message: string): [why: string, hint: string] {
  if (/CertificateRequired/.test(message)) {
    const hint = "Name one by cert=FILE&key=FILE in the URL, or set there tls-auth-clients no";
    return ["it wants a certificate of its clients", hint];
  }
  const [, alert] = /fatal alert: (\w+)/.exec(message) ?? [];
  if (alert !== undefined) {
    const hint = "It has to be of an authority (CA) that the server trusts, and valid now";
    return [`it does not take the certificate that cert in the URL names (${alert})`, hint];
  }
  if (message.includes("KeyMismatch")) {
    return ["cert and key in the URL do not belong together", "Name the key of that certificate"];
  }
  if (message.includes("certificate data")) {
    return ["the file that cert in the URL names has no certificate", "It has to be in PEM format"];
  }
  if (message.includes("key data")) {
    return [
      "the file that key in the URL names has no key",
      "It has to be in PEM format, without a passphrase",
    ];
  }
  if (/expired/i.test(message)) {
    return [
      "its certificate has expired",
      "It needs a new one; or a clock is wrong, here or there",
    ];
  }
  if (message.includes("not valid for name")) {
    return [
      message,
      "Name the host as its certificate does; with Sentinel or a cluster, see docs/redis.md",
    ];
  }
  return [message, "cacert=FILE in the URL names the certificates of trusted authorities (CA)"];
}

function refused(store: string, error: ErrorReply): unknown {
  const say = (why: string, hint = "", code: "refused" | "io" = "refused") =>
    new QueueError(code, `Cannot use ${store}: ${why}`, { hint, cause: error });
  switch (error.word) {
    case "NOAUTH":
      return say("it wants a password, and none is known", PASSWORD);
    case "WRONGPASS":
      return say("the name or the password is wrong", PASSWORD);
    case "NOPERM":
      return say(`this user may not do that (${error.message})`, RIGHTS);
    case "OOM":
      return say("its memory is full", "Give it more (maxmemory), or remove jobs", "io");
    case "DENIED":
      return say("it takes no connections of other machines", "See protected-mode in its settings");
    case "MISCONF":
      return say("it can't write to its disk", "See the server's log", "io");
    case "WRONGTYPE":
      return say(
        `another program uses keys with the same prefix${keyIn(error.message)}`,
        "Name another one: ?prefix=NAME in the URL",
      );
  }
  // As servers of several versions say NOPERM of what a script does.
  if (/^(ERR )?(The user executing the script|ACL failure in script)/.test(error.message)) {
    return say(`this user may not do that (${error.message})`, RIGHTS);
  }
  if (error.message.startsWith("ERR DB index")) return say("it has no database with that number");
  if (error.message.startsWith("ERR SELECT is not allowed in cluster")) {
    return say("it is a cluster, which has but database 0", "Tell queues apart by ?prefix=NAME");
  }
  if (/^ERR unknown command .?HELLO/i.test(error.message)) {
    return say("it is older than queuectl can use", "queuectl needs Redis 6.2 or newer");
  }
  return error;
}

/** Which key it is, where our scripts have said it. */
function keyIn(message: string): string {
  const [, what] = /^WRONGTYPE (\S+ is a \S+, not a \S+)$/.exec(message) ?? [];
  return what === undefined ? "" : ` (${what})`;
}

const RIGHTS = "docs/redis.md has the rights that are needed";
const PASSWORD = "Give it in $QUEUECTL_STORE_PASSWORD, or in the URL in $QUEUECTL_STORE";

/** Deno has a class of errors for the first of these alone. */
const NO_WAY = new Set(["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN"]);

/** Undefined if it is not that the server can't be reached. */
function reasonOf(error: unknown): string | undefined {
  if (isOfReplica(error)) return SOON.READONLY;
  if (error instanceof ErrorReply) {
    return error.message === FULL ? "it has as many clients as it takes" : SOON[error.word];
  }
  if (error instanceof ConnectionEnded) return error.message;
  if (error instanceof Deno.errors.ConnectionRefused) return "nothing answers there";
  if (error instanceof Deno.errors.NotFound) return "there is no such socket";
  if (
    error instanceof Deno.errors.TimedOut ||
    error instanceof DOMException && ["AbortError", "TimeoutError"].includes(error.name)
  ) {
    return "no answer in time";
  }
  if (error instanceof Error && NO_WAY.has((error as { code?: string }).code ?? "")) {
    return "there is no way to its host";
  }
  if (error instanceof Error && /lookup address|Name or service/.test(error.message)) {
    return "its host's name is not known";
  }
  const isGone = error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.AddrNotAvailable;
  return isGone ? "the connection has ended" : undefined;
}
