// Shared by the tests of the executor: an executor in its own folder, and runs with common values
// filled in.

import { ShellExecutor } from "../../src/exec/executor.ts";
import type { ShellKind, Variables } from "../../src/exec/job_script.ts";
import type { Run } from "../../src/exec/run.ts";
import type { Ending } from "../../src/queue/outcome.ts";
import { withTempDir } from "../support/temp_dir.ts";

export interface WorkBench {
  readonly folder: string;
  readonly journal: string;
  /** A run of the command with the next free id, whose log is `LOG` of it. */
  newRun(command: string, more?: Partial<Run>): Run;
  /** Runs it, and returns how it ended with what it printed. */
  run(command: string, more?: Partial<Run>, stop?: AbortSignal): Promise<Ending & { log: string }>;
}

/** Gives `test` an executor, and closes it afterwards. */
export function withExecutor(
  test: (bench: WorkBench) => Promise<void>,
  options: { readonly shell?: ShellKind; readonly variables?: Variables } = {},
): () => Promise<void> {
  return () =>
    withTempDir(async (folder) => {
      const journal = `${folder}/worker.runs`;
      const executor = new ShellExecutor({ journal, ...options });
      const newRun = runsIn(folder);
      try {
        await test({
          folder,
          journal,
          newRun,
          async run(command, more, stop) {
            const run = newRun(command, more);
            const ending = await executor.run(run, stop);
            return { ...ending, log: readLog(run.log) };
          },
        });
      } finally {
        await executor.close();
      }
    });
}

/** Runs a test with each kind of shell in turn. */
export function withEachShell(
  test: (bench: WorkBench, shell: ShellKind) => Promise<void>,
): () => Promise<void> {
  return async () => {
    for (const shell of ["bash", "sh"] as const) {
      await withExecutor((bench) => test(bench, shell), { shell })();
    }
  };
}

/** Makes runs whose files lie in the folder. */
export function runsIn(folder: string): WorkBench["newRun"] {
  let count = 0;
  return (command, more = {}) => {
    const id = `job-${++count}`;
    return {
      id,
      attempt: 1,
      command,
      cwd: folder,
      env: {},
      timeout: 0,
      killGrace: 5,
      log: `${folder}/${id}.log`,
      logMax: 0,
      worker: "worker-1",
      startedAt: Date.now(),
      ...more,
    };
  };
}

/** What a job has printed; nothing if there is no log. */
export function readLog(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** The value of a variable in what `env -0` prints. */
export function valueIn(text: string, name: string): string | undefined {
  return text.split("\0").find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}
