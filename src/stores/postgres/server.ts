// How the server is reached: address, password, certificates. What of it is secret goes nowhere but
// to the driver, and by a pipe to the workers of this `start`.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { ServerConfig } from "./driver.ts";
import type { HostFolder } from "./host_folder.ts";
import { passwordFromFile } from "./password_file.ts";
import { isSocket, type ServerUrl } from "./server_url.ts";

/** What the store needs of the outside world. */
export interface PostgresWorld {
  readonly files: FileSystem;
  readonly env: (name: string) => string | undefined;
  readonly warn: (message: string) => void;
}

/** What a `start` tells its workers: they may read none of the files that this comes from. */
export interface Handover {
  readonly password: string | undefined;
  /** Of those who may vouch for the server, as the text of a PEM file. */
  readonly certificates: string | undefined;
  readonly host?: HostFolder;
}

/**
 * What is needed beside the URL.
 * @param password of the variable that named the URL
 * @throws QueueError `refused` if the file with certificates can't be read
 */
export function secretsOf(
  url: ServerUrl,
  password: string | undefined,
  world: PostgresWorld,
): Handover {
  const { env } = world;
  return {
    password: password ?? (env("QUEUECTL_STORE_PASSWORD") || env("PGPASSWORD") ||
      passwordFromFile(url, world)),
    certificates: certificatesOf(url, world),
  };
}

/** Reads what `Host.handover` says. */
export function readHandover(text: string): Handover {
  return JSON.parse(text) as Handover;
}

/** What the driver is told. */
export function serverConfig(url: ServerUrl, { password, certificates }: Handover): ServerConfig {
  const { host, port, user, database, tls } = url;
  const verifies = tls === "verify-ca" || tls === "verify-full";
  return {
    host,
    port,
    user,
    database,
    // A function, or else the driver would look into ~/.pgpass by itself.
    password: () => {
      if (password !== undefined) return password;
      throw new QueueError("refused", "The database wants a password, and none is known", {
        hint: "Give it in QUEUECTL_STORE_PASSWORD, PGPASSWORD or ~/.pgpass",
      });
    },
    ...(tls === "disable" ? {} : {
      ssl: {
        rejectUnauthorized: verifies,
        ...(certificates === undefined ? {} : { ca: certificates }),
        // Whose certificate it is, but not whether it is the server's that was asked for.
        ...(tls === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
      },
    }),
  };
}

/** Where the server is, as permissions have it. */
export function netOf(url: ServerUrl): string[] {
  if (isSocket(url)) return [`unix:${url.host}/.s.PGSQL.${url.port}`];
  return [url.host.includes(":") ? `[${url.host}]:${url.port}` : `${url.host}:${url.port}`];
}

function certificatesOf(
  { tls, rootCertificates: path }: ServerUrl,
  { files }: PostgresWorld,
): string | undefined {
  if (tls === "disable" || tls === "require" || path === undefined || path === "system") {
    return undefined;
  }
  try {
    return files.readText(path);
  } catch {
    throw new QueueError("refused", `Cannot read the certificates in ${path} (sslrootcert)`);
  }
}
