// Identifies the present boot of the machine, through a shell, since Deno may not read /proc
// without all permissions.

/** A boot of this machine. */
export interface Boot {
  readonly id: string;
  /** When it was, in milliseconds since 1970, by the clock as it is now. */
  readonly at: number;
}

/** Prints `<boot id> <seconds since boot>`. On macOS the time of the boot serves as its id. */
const SCRIPT = `
  if read -r id </proc/sys/kernel/random/boot_id && read -r up rest </proc/uptime
  then echo "$id $up"
  else set -- $(sysctl -n kern.boottime) && echo "boot-\${4%,} $(($(date +%s) - \${4%,}))"
  fi 2>/dev/null`;

/** The present boot of this machine; undefined if it can't be found out. */
export async function currentBoot(now: number): Promise<Boot | undefined> {
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", SCRIPT],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    const [id, seconds] = new TextDecoder().decode(stdout).trim().split(" ");
    const at = now - Number(seconds) * 1000;
    return id && Number.isFinite(at) ? { id, at } : undefined;
  } catch {
    return undefined; // no such shell, as on Windows
  }
}
