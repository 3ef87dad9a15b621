// What a URL such as postgres://user@host/database?schema=queuectl says. Pure.
import { QueueError } from "../../queue/errors.ts";
import { safePart } from "../shared/handover.ts";

/** `verify-ca` verifies the certificate but not the host name; `require` verifies neither. */
export type TlsMode = "disable" | "require" | "verify-ca" | "verify-full";

export interface ServerUrl {
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly schema: string;
  readonly tls: TlsMode;
  /** The file with the certificates of trusted authorities (CA). */
  readonly rootCertificates: string | undefined;
  /** The files with the certificate of this client, and its private key. */
  readonly client: { readonly certificate: string; readonly key: string } | undefined;
  /** Whether to be told of news; behind a pooler in transaction mode none come. */
  readonly listens: boolean;
}

const PARAMETERS = [
  "host",
  "port",
  "user",
  "dbname",
  "schema",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "listen",
];
const TLS_MODES: readonly string[] = ["disable", "require", "verify-ca", "verify-full"];
const DEFAULT_PORT = 5432;
/** Channels of notifications begin with it, and PostgreSQL's names have at most 63 bytes. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,49}$/;

/**
 * Reads a URL. What it leaves out comes from the variables that PostgreSQL's own programs know.
 * @throws QueueError `usage`
 */
export function parseServerUrl(
  text: string,
  env: (name: string) => string | undefined,
): ServerUrl {
  const url = read(text);
  const given = url.searchParams;
  const unknown = [...given.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw wrong(`"${unknown}" is unknown`, `It may have ${PARAMETERS.join(", ")}`);
  }
  const of = (part: string, parameter: string, variable: string) =>
    decodeURIComponent(part) || given.get(parameter) || env(variable) || undefined;
  const host = of(url.hostname.replace(/^\[(.*)\]$/, "$1"), "host", "PGHOST") ?? "localhost";
  const user = of(url.username, "user", "PGUSER") ?? env("USER") ?? env("USERNAME");
  if (user === undefined) {
    throw wrong("it names no user", "Give one: postgres://USER@HOST/DATABASE");
  }
  const database = of(url.pathname.replace(/^\//, ""), "dbname", "PGDATABASE") ?? user;
  const port = Number(of(url.port, "port", "PGPORT") ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrong("its port is none");
  const schema = given.get("schema") ?? "queuectl";
  if (!SCHEMA.test(schema) || schema.startsWith("pg_")) {
    throw wrong(
      `"${schema}" can't be the name of a schema here`,
      "It is of a-z, 0-9 and _, at most 50 of them",
    );
  }
  const inUrl = given.get("sslmode");
  const tls = inUrl ?? env("PGSSLMODE") ?? "disable";
  if (!TLS_MODES.includes(tls)) {
    // `prefer` and `allow` promise nothing: whoever is in between chooses.
    const where = inUrl === null ? "PGSSLMODE" : "sslmode";
    throw wrong(`${where}=${tls} is not supported`, `It may be ${TLS_MODES.join(", ")}`);
  }
  const certificate = given.get("sslcert") ?? env("PGSSLCERT");
  const key = given.get("sslkey") ?? env("PGSSLKEY");
  if (tls !== "disable" && (certificate === undefined) !== (key === undefined)) {
    throw wrong("sslcert and sslkey belong together", "One is the certificate, the other its key");
  }
  const listen = given.get("listen") ?? "on";
  if (listen !== "on" && listen !== "off") throw wrong("listen is on or off");
  return {
    host,
    port,
    user,
    database,
    schema,
    tls: tls as TlsMode,
    rootCertificates: given.get("sslrootcert") ?? env("PGSSLROOTCERT"),
    client: certificate === undefined || key === undefined ? undefined : { certificate, key },
    listens: listen === "on",
  };
}

function read(text: string): URL {
  try {
    const url = new URL(text);
    decodeURIComponent(url.hostname + url.username + url.pathname);
    return url;
  } catch {
    throw wrong("it can't be read", "It should be as postgres://USER@HOST/DATABASE");
  }
}

/** Whether `host` is the folder of a socket. */
export function isSocket({ host }: Pick<ServerUrl, "host">): boolean {
  return host.startsWith("/");
}

/** A name for files and folders that tells this queue from others. It has no password in it. */
export function queueKey({ host, port, database, schema }: ServerUrl): string {
  return ["postgres", host, String(port), database, schema].map(safePart).join("_");
}

function wrong(why: string, hint?: string): QueueError {
  return new QueueError(
    "usage",
    `The URL of the store can't be used: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
