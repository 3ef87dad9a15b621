// Sends signals to supervisors and workers that do not answer. Only to processes that hold the lock
// of their name now, on this machine and in this PID namespace, since a recorded process id proves
// nothing.
import type { EndingSignal } from "../../queue/workers.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { deviceText, type LockHolder, lockHolders } from "../../system/lock_holders.ts";
import { lockPath } from "./layout.ts";
import { holderOf } from "./worker_lock.ts";

/** How often holders are looked for that were not found. */
const LOOKS = 4;

/**
 * Signals the processes with these names.
 * @returns the names of those that got the signal
 */
export async function signalHolders(
  files: FileSystem,
  dataDir: string,
  names: readonly string[],
  signal: EndingSignal,
): Promise<string[]> {
  const found = new Map<string, number>();
  // One look may miss a holder by chance.
  for (let look = 0; look < LOOKS && found.size < names.length; look++) {
    const holders = await lockHolders();
    for (const name of names) {
      const pid = holders === undefined ? pidHere(name) : holderNow(name, holders);
      if (pid !== undefined) found.set(name, pid);
    }
  }
  return names.filter((name) => found.has(name) && send(found.get(name)!, signal));

  function holderNow(name: string, holders: Map<number, LockHolder[]>): number | undefined {
    const file = files.info(lockPath(dataDir, name));
    const candidates = file === undefined ? [] : holders.get(file.inode) ?? [];
    // A file on another file system may have the same inode number, with another program's lock. If
    // the device numbers don't match (btrfs), the process must be the one in the record.
    const device = deviceText(file?.device ?? 0);
    const said = holderOf(files, dataDir, name)?.pid;
    return (candidates.find((holder) => holder.device === device) ??
      candidates.find((holder) => holder.pid === said))?.pid;
  }

  function pidHere(name: string): number | undefined {
    const holder = holderOf(files, dataDir, name);
    return holder !== undefined && holder.host === Deno.hostname() && holder.pid > 1
      ? holder.pid
      : undefined;
  }
}

function send(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch {
    return false; // it has just ended, or we may not signal it
  }
}
