// What the program may do: the one list for `deno run`, for the compiled program, and for the
// workers it starts.

/** What only `serve` needs, and stores that lie elsewhere: all others drop it when they start. */
const NETWORK = "--allow-net";

/**
 * Jobs are any commands in any folders, so reading, writing and running can't be narrowed here;
 * `Deno.kill` needs running without a list too. No code from the net, no ffi; of the system only the
 * host's name and the user's id.
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
 * What a worker may do under `deno run`: nothing of the network; of the disk, only the folder of the data; and it may read
 * `sources`, where its own code lies, since a module that is loaded when it is needed is read like
 * any file.
 * @param dataDir its real path: Deno follows links before it compares
 */
export function workerPermissions(dataDir: string, sources: readonly string[]): string[] {
  const readable = [dataDir, ...sources];
  // A list of paths can't hold one with a comma: Deno 2.9 knows no way to quote it.
  const flags = PERMISSION_FLAGS.filter((flag) => flag !== NETWORK);
  if (readable.some((path) => path.includes(","))) return flags;
  return flags.map((flag) => {
    if (flag === "--allow-read") return `${flag}=${readable}`;
    return flag === "--allow-write" ? `${flag}=${dataDir}` : flag;
  });
}
