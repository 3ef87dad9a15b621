// What of a server's address is secret, and goes by a pipe to the workers of a `start`: they may read
// none of the files and variables that it comes from.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { HostFolder } from "./host_folder.ts";

/** By which a server knows its client, where it wants to: both as the text of PEM files. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Handover {
  readonly password: string | undefined;
  /** The certificates of trusted authorities (CA), as the text of a PEM file. */
  readonly certificates: string | undefined;
  readonly client?: ClientCertificate | undefined;
  readonly host?: HostFolder;
}

/** Reads what `Host.handover` says. */
export function readHandover(text: string): Handover {
  return JSON.parse(text) as Handover;
}

/**
 * The text of a file with certificates.
 * @param parameter of the URL that names the file
 * @throws QueueError `refused`
 */
export function readCertificates(path: string, parameter: string, files: FileSystem): string {
  try {
    return files.readText(path);
  } catch {
    throw new QueueError("refused", `Cannot read the certificates in ${path} (${parameter})`);
  }
}

/** Part of a name for files and folders. */
export function safePart(part: string): string {
  return part.replace(/[^A-Za-z0-9.-]/g, (char) => `=${char.codePointAt(0)!.toString(16)}`);
}
