// The file ~/.pgpass, in which PostgreSQL's own programs find passwords.
import type { FileSystem } from "../../system/file_system.ts";
import { isSocket, type ServerUrl } from "./server_url.ts";

/**
 * The password that the file has for this server.
 * @param warn told if the file is not used since others may read it
 */
export function passwordFromFile(
  url: ServerUrl,
  { files, env, warn }: {
    files: FileSystem;
    env: (name: string) => string | undefined;
    warn: (message: string) => void;
  },
): string | undefined {
  const home = env("HOME");
  const path = env("PGPASSFILE") || (home && `${home}/.pgpass`);
  const info = path ? files.info(`${path}`) : undefined;
  if (!path || info === undefined) return undefined;
  if (info.kind === "file" && (info.mode & 0o077) !== 0 && Deno.build.os !== "windows") {
    warn(`${path} is not used: others may read it (chmod 600)`);
    return undefined;
  }
  return findPassword(files.readText(path), url);
}

/** The password on the first line that fits. */
export function findPassword(text: string, url: ServerUrl): string | undefined {
  const wanted = [
    isSocket(url) ? "localhost" : url.host,
    String(url.port),
    url.database,
    url.user,
  ];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = (line.match(/(?:^|:)(?:\\.|[^:\\])*/g) ?? [])
      .map((field) => field.replace(/^:/, ""));
    if (fields.length < 5) continue;
    const fits = wanted.every((value, at) =>
      fields[at] === "*" || fields[at]!.replace(/\\(.)/g, "$1") === value
    );
    if (fits) return fields[4]!.replace(/\\(.)/g, "$1");
  }
  return undefined;
}
