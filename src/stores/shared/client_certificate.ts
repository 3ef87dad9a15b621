// The certificate that shows the server who this client is, and the private key that proves it.
import { QueueError } from "../../queue/errors.ts";
import { type FileSystem, infoOfTarget } from "../../system/file_system.ts";
import { type ClientCertificate, readCertificates } from "./handover.ts";

/** Something of each of the two, such as its path. */
type Both = Readonly<Record<keyof ClientCertificate, string>>;

/** What a driver does not know, it may pass over without a word. */
const CERTIFICATE = "-----BEGIN CERTIFICATE-----";
const KEY = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/;
const ENCRYPTED = /ENCRYPTED/;

/**
 * Reads both files, whose paths the URL gives.
 * @param parameters what the URL calls them
 * @throws QueueError `refused` if one can't be used, or others may read the key
 */
export function readClientCertificate(
  paths: Both,
  parameters: Both,
  files: FileSystem,
): ClientCertificate {
  const certificate = readCertificates(paths.certificate, parameters.certificate, files);
  if (!certificate.includes(CERTIFICATE)) {
    throw new QueueError(
      "refused",
      `Cannot use the certificate in ${paths.certificate} (${parameters.certificate}): ` +
        "it is not in the format PEM",
    );
  }
  return { certificate, key: readKey(paths.key, parameters.key, files) };
}

function readKey(path: string, parameter: string, files: FileSystem): string {
  const cannot = (why: string, hint?: string) =>
    new QueueError("refused", `Cannot use the key in ${path} (${parameter}): ${why}`, {
      ...(hint === undefined ? {} : { hint }),
    });
  const info = infoOfTarget(files, path);
  // As PostgreSQL's own programs have it: a file of root may be for a group.
  const others = info?.owner === 0 ? 0o037 : 0o077;
  if (info !== undefined && (info.mode & others) !== 0 && Deno.build.os !== "windows") {
    throw cannot("others may read it", `chmod 600 ${path}`);
  }
  let key: string;
  try {
    key = files.readText(path);
  } catch {
    throw cannot("it can't be read");
  }
  if (ENCRYPTED.test(key)) throw cannot("it is encrypted", "Keep it without a passphrase");
  if (!KEY.test(key)) throw cannot("it is no private key in the format PEM");
  return key;
}
