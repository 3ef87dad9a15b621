// Functions for paths, without node:path, which takes 15 ms of start-up.

const isWindows: boolean = Deno.build.os === "windows";

/** Joins parts with `/`, which Windows accepts too. */
export function join(...parts: string[]): string {
  return parts.join("/");
}

export function isAbsolute(path: string): boolean {
  return path.startsWith("/") || (isWindows && /^(?:[A-Za-z]:[\\/]|\\\\)/.test(path));
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folder of an absolute path. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The absolute path, relative to `base`, with `.`, `..` and double slashes resolved. */
export function resolve(base: string, path: string): string {
  const whole = (isAbsolute(path) ? path : `${base}/${path}`).replaceAll(
    "\\",
    isWindows ? "/" : "\\",
  );
  const root = isWindows ? /^(?:[A-Za-z]:|\/\/[^/]+\/[^/]+)/.exec(whole)?.[0] ?? "" : "";
  const kept: string[] = [];
  for (const part of whole.slice(root.length).split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `${root}/${kept.join("/")}`;
}
