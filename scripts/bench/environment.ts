// On what the benchmark ran: figures without it mean nothing.
import type { Ground } from "./ground.ts";

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gb: number;
  readonly kernel: string;
  readonly file_system: string;
  readonly deno: string;
  readonly commit: string;
  /** What was measured: `main.ts`, or a build. */
  readonly program: string;
}

/** Of ext4 also whether it has a journal: with one, and without, it makes files in different ways. */
const FILE_SYSTEM = `set -- $(findmnt -n -o FSTYPE,SOURCE -T "$1"); printf %s "$1"
  [ "$1" != ext4 ] || if ls -d "/proc/fs/jbd2/\${2##*/}"-* >/dev/null 2>&1
  then echo ' with a journal'; else echo ' without a journal'; fi`;

/** What is known of this machine. */
export async function environmentOf(ground: Ground): Promise<Environment> {
  const ask = (...words: string[]) =>
    ground.run(words).then(({ stdout }) => stdout.trim(), () => "unknown");
  const root = new URL("../..", import.meta.url).pathname;
  const model = /^model name\s*: (.+)$/m.exec(await ask("cat", "/proc/cpuinfo"))?.[1];
  const changed =
    (await ask("git", "-C", root, "status", "--porcelain", "--", "main.ts", "src")) !== "";
  return {
    cpu: model ?? "unknown",
    cores: navigator.hardwareConcurrency,
    memory_gb: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    kernel: Deno.osRelease(),
    file_system: await ask("/bin/sh", "-c", FILE_SYSTEM, "sh", ground.folder),
    deno: Deno.version.deno,
    commit: await ask("git", "-C", root, "rev-parse", "--short", "HEAD") +
      (changed ? " with changes" : ""),
    program: ground.programName,
  };
}
