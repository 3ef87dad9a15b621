// Which process holds a file's lock, as the kernel says: the one proof that a process id means on
// this machine, in this container, what whoever wrote it down meant.

export interface LockHolder {
  readonly pid: number;
  /** The file system of the file, such as `fe:00`; on some it is not the one that files tell. */
  readonly device: string;
}

/**
 * The holders of all locks (flock) that this process can see, by the inode of the file, which files
 * of several file systems may share; undefined where the system does not tell. Those of other PID
 * namespaces are left out.
 */
export async function lockHolders(): Promise<Map<number, LockHolder[]> | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  // Deno itself may not read /proc unless it is granted everything. By builtins of a shell that
  // takes no functions out of the environment: it is called where something went wrong.
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'while read -r line;do echo "$line";done </proc/locks'],
    clearEnv: true,
    stdin: "null",
    stderr: "null",
  }).output();
  return parseLocks(new TextDecoder().decode(stdout));
}

/** Reads lines such as `1: FLOCK  ADVISORY  WRITE 4133 fe:00:2155870 0 EOF`. */
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

/** A device number of a file as /proc/locks writes it; see makedev(3). */
export function deviceText(device: number): string {
  const number = BigInt(device);
  const major = (number >> 8n) & 0xfffn | (number >> 32n) & ~0xfffn;
  const minor = number & 0xffn | (number >> 12n) & ~0xffn;
  return [major, minor].map((part) => part.toString(16).padStart(2, "0")).join(":");
}
