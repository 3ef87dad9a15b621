// Joining of paths, without node:path (15 ms of start-up).

export const isWindows: boolean = Deno.build.os === "windows";

/** `a/b/c`; Windows takes `/` as well. */
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

/** The path of the folder that `path`, an absolute one, lies in. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The path, made absolute against `base`, with `.`, `..` and doubled slashes resolved. */
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
