// Which process holds a file's lock, as the kernel says: the one proof that a process id means on
// this machine, in this container, what whoever wrote it down meant.

/**
 * The process ids of the holders of all locks (flock) that this process can see, by the inode of
 * the file; undefined where the system does not tell. Those of other PID namespaces are left out.
 */
export async function lockHolders(): Promise<Map<number, number> | undefined> {
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
export function parseLocks(text: string): Map<number, number> {
  const line = /^\d+: FLOCK +ADVISORY +WRITE +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /gm;
  return new Map(
    Array.from(text.matchAll(line)).flatMap(([, pid, inode]) =>
      pid === "0" ? [] : [[Number(inode), Number(pid)]]
    ),
  );
}
