// What a URL such as redis://user@host:6379/0?prefix=queuectl says. Pure.
import { QueueError } from "../../queue/errors.ts";
import { safePart } from "../shared/handover.ts";

export interface ServerUrl {
  /** A name, an address, or the path of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly database: number;
  readonly prefix: string;
  /** How many replicas are to have what is acknowledged. */
  readonly replicas: number;
  /** What Sentinels call the master, if the host is one of them. */
  readonly sentinel: string | undefined;
  readonly tls: boolean;
  /** The file with the certificates of trusted authorities (CA). */
  readonly certificates: string | undefined;
  /** The files with the certificate of this client, and its private key. */
  readonly client: { readonly certificate: string; readonly key: string } | undefined;
}

const PARAMETERS = ["prefix", "replicas", "sentinel", "cacert", "cert", "key"];
const DEFAULT_PORT = 6379;
const SENTINEL_PORT = 26379;
const REPLICAS = /^\d{1,3}$/;
const PREFIX = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** Reads a URL. @throws QueueError `usage` */
export function parseServerUrl(text: string): ServerUrl {
  const url = read(text);
  const given = url.searchParams;
  const unknown = [...given.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw wrong(`"${unknown}" is unknown`, `It may have ${PARAMETERS.join(", ")}`);
  }
  const database = /^\/?(\d*)$/.exec(url.pathname)?.[1];
  if (database === undefined || Number(database) > 1_000_000) {
    throw wrong("what follows the host is the number of a database", "Such as redis://HOST:6379/0");
  }
  const prefix = given.get("prefix") ?? "queuectl";
  if (!PREFIX.test(prefix)) {
    throw wrong(`"${prefix}" can't be a prefix`, "It is of letters, digits, _ . and -, at most 64");
  }
  const replicas = given.get("replicas") ?? "0";
  if (!REPLICAS.test(replicas)) {
    throw wrong(`"${replicas}" is no number of replicas`, "It is a whole number; 0 for none");
  }
  const sentinel = given.get("sentinel") ?? undefined;
  if (sentinel === "") throw wrong("sentinel is the name of a master", "As Sentinel calls it");
  const tls = url.protocol === "rediss:";
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1") || "localhost";
  if (tls && host.startsWith("/")) throw wrong("a socket needs no TLS", "Begin it with redis:");
  const ofTls = ["cacert", "cert", "key"].find((name) => given.has(name));
  if (ofTls !== undefined && !tls) throw wrong(`${ofTls} is for rediss: alone`);
  const [cert, key] = [given.get("cert") ?? "", given.get("key") ?? ""];
  if ((cert === "") !== (key === "")) throw wrong("cert and key are given together, or not at all");
  return {
    host,
    port: Number(url.port || (sentinel === undefined ? DEFAULT_PORT : SENTINEL_PORT)),
    user: decodeURIComponent(url.username) || undefined,
    database: Number(database),
    prefix,
    replicas: Number(replicas),
    sentinel,
    tls,
    certificates: given.get("cacert") || undefined,
    client: cert === "" ? undefined : { certificate: cert, key },
  };
}

/** Whether `host` is the path of a socket. */
export function isSocket({ host }: Pick<ServerUrl, "host">): boolean {
  return host.startsWith("/");
}

/** Where the server is, as permissions have it. */
export function netOf(url: Pick<ServerUrl, "host" | "port">): string {
  if (isSocket(url)) return `unix:${url.host}`;
  return url.host.includes(":") ? `[${url.host}]:${url.port}` : `${url.host}:${url.port}`;
}

/** A name for files and folders that tells this queue from others. It has no password in it. */
export function queueKey({ host, port, database, prefix, sentinel = "" }: ServerUrl): string {
  const parts = ["redis", host, String(port), String(database), prefix, sentinel];
  return parts.filter((part) => part !== "").map(safePart).join("_");
}

function read(text: string): URL {
  try {
    const url = new URL(text);
    decodeURIComponent(url.hostname + url.username);
    return url;
  } catch {
    throw wrong("it can't be read", "It should be as redis://HOST:6379/0");
  }
}

function wrong(why: string, hint?: string): QueueError {
  return new QueueError(
    "usage",
    `The URL of the store can't be used: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
