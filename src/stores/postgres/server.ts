// How the server is reached: address, password, certificates. What of it is secret goes nowhere but
// to the driver, and by a pipe to the workers of this `start`.
import { QueueError } from "../../queue/errors.ts";
import { readClientCertificate } from "../shared/client_certificate.ts";
import { type Handover, readCertificates } from "../shared/handover.ts";
import type { ServerWorld } from "../shared/server_store.ts";
import type { ServerConfig } from "./driver.ts";
import { PASSWORD_HINT } from "./errors.ts";
import { passwordFromFile } from "./password_file.ts";
import { isSocket, type ServerUrl } from "./server_url.ts";

const CLIENT_PARAMETERS = { certificate: "sslcert", key: "sslkey" };

/**
 * What is needed beside the URL.
 * @param password of the variable that named the URL
 * @throws QueueError `refused` if a file with certificates, or a key, can't be used
 */
export function secretsOf(
  url: ServerUrl,
  password: string | undefined,
  world: ServerWorld,
): Handover {
  const { env } = world;
  return {
    password: password ?? (env("QUEUECTL_STORE_PASSWORD") || env("PGPASSWORD") ||
      passwordFromFile(url, world)),
    certificates: certificatesOf(url, world),
    client: url.tls === "disable" || url.client === undefined
      ? undefined
      : readClientCertificate(url.client, CLIENT_PARAMETERS, world.files),
  };
}

/**
 * What the driver is told.
 * @param name what users call the store, without a password
 */
export function serverConfig(
  url: ServerUrl,
  { password, certificates, client }: Handover,
  name: string,
): ServerConfig {
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
      throw new QueueError(
        "refused",
        `Cannot use ${name}: it wants a password, and none is known`,
        {
          hint: PASSWORD_HINT,
        },
      );
    },
    ...(tls === "disable" ? {} : {
      ssl: {
        rejectUnauthorized: verifies,
        ...(certificates === undefined ? {} : { ca: certificates }),
        ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
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
  { files }: ServerWorld,
): string | undefined {
  if (tls === "disable" || tls === "require" || path === undefined || path === "system") {
    return undefined;
  }
  return readCertificates(path, "sslrootcert", files);
}
