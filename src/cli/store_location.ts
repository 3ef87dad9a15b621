// Where the queue is kept: given by the options, else by environment variables, else in the user's
// data folder.
import { QueueError } from "../queue/errors.ts";
import { infoOfTarget } from "../system/file_system.ts";
import { isAbsolute, join, resolve } from "../system/paths.ts";
import type { FolderLocation, StoreLocation } from "../stores/store.ts";
import type { Context } from "./context.ts";
import type { Flags } from "./grammar/parse.ts";

/**
 * The store that a command works on.
 *
 * @param flags the flags of the command: `--store` and `--data-dir`
 *
 * @throws QueueError `usage`, `refused`
 */
export function storeLocation(context: Context, flags: Pick<Flags, "text">): StoreLocation {
  const [store, dataDir] = [flags.text("store"), flags.text("data-dir")];
  if (store !== undefined && dataDir !== undefined) {
    throw new QueueError("usage", "--store and --data-dir cannot be given together");
  }
  if (store !== undefined) return locationOf(context, store, "--store");
  if (dataDir !== undefined) return folderAt(context, dataDir, "--data-dir");
  const variable = context.env("QUEUECTL_STORE");
  if (variable) return locationOf(context, variable, "QUEUECTL_STORE");
  return { kind: "folder", path: defaultFolder(context) };
}

/** The flags that name the store, found in words that may not be a valid command line. */
export function storeFlagsIn(words: readonly string[]): Pick<Flags, "text"> {
  return {
    text(name) {
      const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
      const word = words[at];
      if (word === undefined) return undefined;
      return word.includes("=") ? word.slice(word.indexOf("=") + 1) : words[at + 1];
    },
  };
}

/** Whether a command with these options works on a store that is reached over the network. */
export function isOnNetwork(
  { env }: Pick<Context, "env">,
  flags: Pick<Flags, "text">,
): boolean {
  if (flags.text("data-dir") !== undefined) return false;
  return ON_SERVER.test(flags.text("store") ?? env("QUEUECTL_STORE") ?? "");
}

/** The schemes of stores on a server, and what a URL of each looks like. */
const ON_SERVER = /^(?:postgres(?:ql)?|rediss?):/i;
const ON_REDIS = /^rediss?:/i;
const EXAMPLES = { postgres: "postgres://USER@HOST/DATABASE", redis: "redis://HOST:6379/0" };

/** As PostgreSQL's own programs allow it: user@host1,host2:5433/database, or ?host=host1,host2. */
const SEVERAL_HOSTS = /^[^:]+:\/\/(?:[^/?#]*@)?[^/?#]*,|[?&]host=[^&]*(?:,|%2c)/i;

/** The store that a path or a URL names. */
function locationOf(context: Context, text: string, where: string): StoreLocation {
  const scheme = /^([a-z][a-z0-9+]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || isAbsolute(text)) return folderAt(context, text, where);
  if (ON_SERVER.test(text)) return serverAt(text, where);
  if (scheme !== "file") {
    // The message leaves out the URL, which may contain a password.
    throw new QueueError("usage", `${where}: queuectl keeps no queues in ${scheme}:`, {
      hint: `Name a folder (a path, or file:PATH), a database (${EXAMPLES.postgres}) or a Redis ` +
        `server (${EXAMPLES.redis})`,
    });
  }
  return folderAt(context, pathOfFileUrl(text, where), where);
}

/** A server's URL. Its password is kept apart: the URL is shown, and handed to workers and jobs. */
function serverAt(text: string, where: string): StoreLocation {
  const kind = ON_REDIS.test(text) ? "redis" : "postgres";
  if (SEVERAL_HOSTS.test(text)) {
    throw new QueueError("usage", `${where}: this URL names several hosts, and may name only one`, {
      hint: "Name what always leads to the primary, such as an address that moves, or a proxy",
    });
  }
  let url: URL;
  let password: string;
  try {
    url = new URL(text);
    password = decodeURIComponent(url.password) || (url.searchParams.get("password") ?? "");
  } catch {
    throw new QueueError("usage", `${where}: this URL can't be read`, {
      hint: `It should be as ${EXAMPLES[kind]}, odd characters as %XX`,
    });
  }
  if (password !== "" && where.startsWith("--")) {
    throw new QueueError("usage", `${where}: a password there is shown to all users by ps`, {
      hint: kind === "redis"
        ? "Give it in QUEUECTL_STORE_PASSWORD"
        : "Give it in QUEUECTL_STORE_PASSWORD, PGPASSWORD or ~/.pgpass",
    });
  }
  if (password === "") return { kind, url: text, password: undefined };
  url.password = "";
  url.searchParams.delete("password");
  return { kind, url: url.href, password };
}

/**
 * The path in `file:relative`, `file:/absolute` or `file:///absolute`, where %XX stands for a
 * special character.
 */
function pathOfFileUrl(text: string, where: string): string {
  const path = text.slice("file:".length).replace(/^\/\/(?:localhost)?(?=\/)/, "");
  if (path.startsWith("//")) {
    throw new QueueError("usage", `${where}: a file: URL names no host`);
  }
  try {
    return decodeURIComponent(path);
  } catch {
    throw new QueueError("usage", `${where}: "${text}" has a % that no two hex digits follow`);
  }
}

function folderAt(context: Context, path: string, where: string): FolderLocation {
  if (path === "") throw new QueueError("usage", `${where} is empty`);
  // For an absolute path the current folder is not asked for, since its name may not be readable.
  return { kind: "folder", path: resolve(isAbsolute(path) ? "" : context.cwd(), path) };
}

function defaultFolder(context: Context): string {
  const { env } = context;
  const named = env("QUEUECTL_DATA_DIR") ||
    (env("QUEUECTL_TEST_MODE") === "true" && env("QUEUECTL_TEST_STORAGE_PATH"));
  if (named) return folderAt(context, named, "QUEUECTL_DATA_DIR").path;
  const cwd = context.cwd();
  const local = join(cwd, "queuectl_data");
  if (infoOfTarget(context.files, local)?.kind === "folder") return resolve(cwd, local);
  return join(usersFolder(context, cwd), "queuectl");
}

function usersFolder({ env, os }: Context, cwd: string): string {
  const xdg = env("XDG_DATA_HOME");
  if (xdg) return resolve(cwd, xdg);
  const home = os === "windows" ? env("LOCALAPPDATA") : env("HOME");
  if (!home) {
    throw new QueueError("refused", "Cannot tell where to keep the data: HOME is not set", {
      hint: "Name a folder with --data-dir or QUEUECTL_DATA_DIR",
    });
  }
  if (os === "windows") return resolve(cwd, home);
  return resolve(home, os === "darwin" ? "Library/Application Support" : ".local/share");
}
