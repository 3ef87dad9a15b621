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
 * The holders of all locks (flock) that this process can see, by the inode of the file. Files on
 * different file systems may have the same inode. Undefined if the system does not tell. Processes
 * in other PID namespaces are left out.
 */
export async function lockHolders(): Promise<Map<number, LockHolder[]> | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  // Deno itself may not read /proc without all permissions. Only builtins and a clear environment
  // are used, since this is called when something has gone wrong.
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'while read -r line;do echo "$line";done </proc/locks'],
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
