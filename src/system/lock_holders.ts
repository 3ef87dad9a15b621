// Finds the process that holds a file's lock, by what the kernel says. Only this proves that a
// recorded process id means the same process on this machine and in this container.

export interface LockHolder {
  readonly pid: number;
  /**
   * The device of the file's file system, such as `fe:00`. On some file systems it differs from the
   * one in the file's information.
   */
  readonly device: string;
}

/**
 * Only what is read at once belongs together, a page at most: when a lock is released between two
 * reads, the kernel leaves out another one. A shell reads line by line, and misses one in three
 * times where many locks are taken and released.
 */
const READ_LOCKS =
  'cat /proc/locks 2>/dev/null||while read -r line;do echo "$line";done </proc/locks';

/**
 * The holders of all locks (flock) that this process can see, by the inode of the file. Files on
 * different file systems may have the same inode. Undefined if the system does not tell. Processes
 * in other PID namespaces are left out. Where there are many locks, one may be missing by chance:
 * see READ_LOCKS.
 */
export async function lockHolders(): Promise<Map<number, LockHolder[]> | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  // Deno itself may not read /proc without all permissions. A clear environment is used, and only
  // builtins where there is no cat, since this is called when something has gone wrong.
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", READ_LOCKS],
    clearEnv: true,
    stdin: "null",
    stderr: "null",
  }).output();
  return parseLocks(new TextDecoder().decode(stdout));
}

/** Parses lines such as `1: FLOCK  ADVISORY  WRITE 4133 fe:00:2155870 0 EOF`. */
export function parseLocks(text: string): Map<number, LockHolder[]> {
  const holders = new Map<number, LockHolder[]>();
  const line = /^\d+: FLOCK +ADVISORY +WRITE +(\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /gm;
  for (const [, pid, device, inode] of text.matchAll(line)) {
    if (pid === "0") continue;
    const known = holders.get(Number(inode)) ?? [];
    holders.set(Number(inode), [...known, { pid: Number(pid), device: device! }]);
  }
  return holders;
}

/** A file's device number in the form of /proc/locks; see makedev(3). */
export function deviceText(device: number): string {
  const number = BigInt(device);
  const major = (number >> 8n) & 0xfffn | (number >> 32n) & ~0xfffn;
  const minor = number & 0xffn | (number >> 12n) & ~0xffn;
  return [major, minor].map((part) => part.toString(16).padStart(2, "0")).join(":");
}
