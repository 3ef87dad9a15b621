// The permissions of the program: the one list for `deno run`, for the compiled program, and for
// the workers it starts.

/** What only `serve` needs, and stores that lie elsewhere: all others drop it when they start. */
const NETWORK = "--allow-net";

/**
 * Jobs may be any commands in any folders, so reading, writing and running can't be restricted
 * here; `Deno.kill` needs unrestricted running too. No remote code, no ffi, and of the system
 * only the host name and the user id.
 */
export const PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--deny-import",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  "--allow-env",
  NETWORK,
  "--allow-sys=hostname,uid",
];

/** Among the places of the network: all of them. */
export const ANYWHERE = "*";

/** What workers need of a host. */
export interface Needs {
  /** The folder of the data, by its real path: Deno follows links before it compares. */
  readonly folder: string;
  /** Where the store is on the network, `ANYWHERE` if that may change; nowhere if left out. */
  readonly net?: readonly string[];
}

/**
 * The permissions of a worker under `deno run`. It may read and write only the data folder, connect
 * only to its store, and read `sources`, where its own code is, since modules that are loaded later
 * are read like any file.
 */
export function workerPermissions(
  { folder, net = [] }: Needs,
  sources: readonly string[],
): string[] {
  const sockets = net.flatMap((place) => place.startsWith("unix:") ? [place.slice(5)] : []);
  const writable = [folder, ...sockets];
  const readable = [...writable, ...sources];
  // A path with a comma can't be in a list of paths, since Deno 2.9 has no way to quote it.
  const isNarrow = !readable.some((path) => path.includes(","));
  return PERMISSION_FLAGS.flatMap((flag) => {
    if (flag === NETWORK) {
      if (net.length === 0) return [];
      return isNarrow && !net.includes(ANYWHERE) ? `${flag}=${net}` : flag;
    }
    if (!isNarrow) return flag;
    if (flag === "--allow-read") return `${flag}=${readable}`;
    return flag === "--allow-write" ? `${flag}=${writable}` : flag;
  });
}
