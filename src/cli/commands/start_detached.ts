// queuectl start --detach: runs the same command again in a session of its own, with its output in
// a file.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { selfCommand } from "../../system/self.ts";
import type { Workers } from "../../queue/workers.ts";
import type { Store } from "../../stores/store.ts";
import type { CommandContext } from "../command_context.ts";

const POLL = 20;
/** Milliseconds in which one of its workers must have started. */
const PATIENCE = 30_000;
/** If the log is larger than this many bytes, the next start renames it and begins a new one. */
const LOG_LIMIT = 5 * 1024 * 1024;

/**
 * A shell script that becomes the program by `exec`, so that the program has the process id of the
 * shell. Its output goes to the log. All file descriptors of the caller are closed: a lock on an
 * inherited one would be held for as long as the program runs. dash can't close descriptors above
 * 9; a caller that has such descriptors used another shell, so bash or busybox is tried. $1: this
 * script again, or empty; $2: the log; $3…: the program.
 */
export const BECOME = `umask 077
script=$1 log=$2
shift 2
for path in /proc/self/fd/* /dev/fd/*; do
  case \${path##*/} in
    [012] | *[!0-9]*) ;;
    [3-9]) eval "exec \${path##*/}>&-" ;;
    *) if (eval 'exec 10>&-') 2>/dev/null; then
        eval "exec \${path##*/}>&-"
      elif [ -n "$script" ]; then
        if command -v bash >/dev/null; then exec bash -c "$script" sh "" "$log" "$@"
        elif command -v busybox >/dev/null; then exec busybox sh -c "$script" sh "" "$log" "$@"
        fi
      fi ;;
  esac
done
exec "$@" >>"$log" 2>&1`;

/**
 * Starts a supervisor in the background, and prints its process id once one of its workers runs.
 *
 * @returns the exit code
 */
export async function detach(call: CommandContext, store: Store): Promise<number> {
  const { context } = call;
  const { options, startLog: log } = await store.host();
  rotate(context.files, log);
  const { program, args } = selfCommand();
  const words = [...args, "start", ...options, ...flagsOf(call)];
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", BECOME, "sh", BECOME, log, program, ...words],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  let code: number | undefined;
  child.status.then((status) => code = status.code);
  const workers = await store.workers();
  const isReady = () => isSupervisorReady(workers, { pid: child.pid, host: Deno.hostname() });
  for (let waited = 0; waited < PATIENCE && code === undefined; waited += POLL) {
    if (await isReady()) break;
    await context.sleep(POLL);
  }
  if (code === 0 || code === undefined && await isReady()) {
    call.print(`${child.pid}\n`);
    return 0;
  }
  if (code === undefined) child.kill("SIGTERM");
  throw new QueueError("unfinished", "Cannot run jobs in the background: no worker came up", {
    hint: context.files.info(log)?.kind === "file"
      ? `See ${log}`
      : `Nothing could be written to ${log}; run queuectl start without --detach to see why`,
  });
}

/**
 * Whether this supervisor has a worker that runs. It is not found by its name: to see whether a
 * process lives, its lock is tried, and a supervisor that starts at that moment finds its name
 * taken and gets the next one.
 */
export async function isSupervisorReady(
  workers: Workers,
  { pid, host }: { readonly pid: number; readonly host: string },
): Promise<boolean> {
  const supervisors = await workers.liveSupervisors();
  return supervisors.some((one) => one.pid === pid && one.host === host && one.ready);
}

/** Renames a log that has grown too large; it replaces the one that was renamed before. */
export function rotate(files: FileSystem, log: string): void {
  if ((files.info(log)?.size ?? 0) > LOG_LIMIT) files.rename(log, `${log}.1`);
}

function flagsOf({ flags }: CommandContext): string[] {
  const given = ["count", "timeout"].flatMap((name) => {
    const value = flags.number(name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const name = flags.text("worker-name");
  return [
    ...given,
    ...(name === undefined ? [] : [`--worker-name=${name}`]),
    ...flags.texts("queue").map((names) => `--queue=${names}`),
    ...(flags.has("drain") ? ["--drain"] : []),
  ];
}
