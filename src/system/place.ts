// Where this process runs: which start of which machine, and which container. By a shell, since
// Deno may not read /proc without all permissions.

export interface Place {
  /** The start of the machine, `-` where that can't be told. */
  readonly boot: string;
  /** The PID namespace, `-` where there are none. */
  readonly namespace: string;
  /** Whether there is a clock that also runs while the machine sleeps, and which a shell can read. */
  readonly hasUptime: boolean;
}

const SCRIPT = `b=-;n=-;u=-
{ read -r b </proc/sys/kernel/random/boot_id;n=$(readlink /proc/$$/ns/pid);read -r u r </proc/uptime
[ "$b" != - ]||b=$(sysctl -n kern.bootsessionuuid)
} 2>/dev/null
echo "\${b:--} \${n:--} \${u:--}"`;

/** Where this process runs. */
export async function currentPlace(): Promise<Place> {
  const [boot = "-", namespace = "-", uptime = "-"] = await said(SCRIPT);
  return { boot, namespace: namespace.replace(/\D/g, "") || "-", hasUptime: uptime !== "-" };
}

/** Seconds since the machine was started, sleep included; undefined where nobody tells. */
export async function uptime(): Promise<number | undefined> {
  const [seconds] = await said("read -r u r </proc/uptime;echo $u");
  return seconds ? Number(seconds) : undefined;
}

async function said(script: string): Promise<string[]> {
  if (Deno.build.os === "windows") return [];
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", script],
    clearEnv: true, // a shell may take functions out of it
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim().split(" ");
}
