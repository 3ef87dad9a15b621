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
    file_system: await ask("stat", "-f", "-c", "%T", ground.folder),
    deno: Deno.version.deno,
    commit: await ask("git", "-C", root, "rev-parse", "--short", "HEAD") +
      (changed ? " with changes" : ""),
    program: ground.programName,
  };
}
