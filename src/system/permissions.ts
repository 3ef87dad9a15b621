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

/**
 * The permissions of a worker under `deno run`. It may not use the network, and it may read and
 * write only the data folder, and read `sources`, where its own code is, since modules that are
 * loaded later are read like any file.
 *
 * @param dataDir its real path, since Deno follows links before it compares
 */
export function workerPermissions(dataDir: string, sources: readonly string[]): string[] {
  const readable = [dataDir, ...sources];
  // A path with a comma can't be in a list of paths, since Deno 2.9 has no way to quote it.
  const flags = PERMISSION_FLAGS.filter((flag) => flag !== NETWORK);
  if (readable.some((path) => path.includes(","))) return flags;
  return flags.map((flag) => {
    if (flag === "--allow-read") return `${flag}=${readable}`;
    return flag === "--allow-write" ? `${flag}=${dataDir}` : flag;
  });
}
