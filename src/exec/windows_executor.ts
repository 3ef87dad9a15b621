// Runs commands without a POSIX shell: one `cmd` for each, whose output this process copies to the
// log. A job does not outlive its worker's pipes, so a job of a dead worker can only be `lost`; the
// journal tells that it had begun.

import type { Ending } from "../queue/outcome.ts";
import { cappedNote } from "../system/capped_note.ts";
import { diskFiles, type FileSystem } from "../system/file_system.ts";
import { exited, killed, notStarted, refusal } from "./ending.ts";
import { NO_PROCESS } from "./processes.ts";
import type { Variables } from "./job_script.ts";
import type { Executor, KillCause, Run, StopReason } from "./run.ts";
import { afterMilliseconds, pause } from "./timer.ts";

/** The part of a child process that is used here. */
export interface Child {
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly status: Promise<{ readonly code: number }>;
}

/** Starts and kills processes; replaced in tests. */
export interface Launcher {
  /** @throws Deno.errors.NotFound if the folder or `cmd` is missing */
  start(command: string, cwd: string, env: Record<string, string>): Child;
  /** Ends a process with all that it has started. */
  killTree(pid: number): Promise<void>;
}

const launcher: Launcher = {
  start: (command, cwd, env) =>
    new Deno.Command("cmd", {
      // With /s, only the outer quotes are removed.
      args: ["/d", "/s", "/c", `"${command}"`],
      windowsRawArguments: true,
      cwd,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  async killTree(pid) {
    await new Deno.Command("taskkill", {
      args: ["/T", "/F", "/PID", String(pid)],
      stdout: "null",
      stderr: "null",
    })
      .output();
  },
};

/** Milliseconds that the end of a run waits for background children that keep its output open. */
const DRAIN_LIMIT = 250;

export class WindowsExecutor implements Executor {
  readonly #journal: string;
  readonly #files: FileSystem;
  readonly #launcher: Launcher;
  readonly #variables: Variables;

  constructor(
    options: { journal: string; files?: FileSystem; launcher?: Launcher; variables?: Variables },
  ) {
    this.#journal = options.journal;
    this.#files = options.files ?? diskFiles;
    this.#launcher = options.launcher ?? launcher;
    this.#variables = options.variables ?? {};
  }

  /** Each command has a process of its own. */
  ready(): Promise<void> {
    return Promise.resolve();
  }

  async run(run: Run, stop?: AbortSignal): Promise<Ending> {
    const fault = refusal(run);
    if (fault) return notStarted(fault);
    if (stop?.aborted) return killed(stop.reason, undefined, run);
    if (this.#files.info(this.#journal)) this.#files.remove(this.#journal);
    // No process has this id, so whoever adopts the attempt finds it gone.
    this.#files.create(
      this.#journal,
      `shell ${NO_PROCESS} - -\n+ ${run.id} ${run.attempt} ${run.startedAt}\n`,
    );
    let child: Child;
    try {
      if (!this.#files.info(run.log)) this.#files.create(run.log, "");
      child = this.#launcher.start(run.command, run.cwd, {
        ...this.#variables,
        ...run.env,
        QUEUECTL_JOB_ID: run.id,
        QUEUECTL_ATTEMPT: String(run.attempt),
        QUEUECTL_WORKER: run.worker,
      });
    } catch (error) {
      return notStarted(`could not be started: ${error instanceof Error ? error.message : error}`);
    }
    return await this.#watch(child, run, stop);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #watch(child: Child, run: Run, stop?: AbortSignal): Promise<Ending> {
    let cause: KillCause | undefined;
    const kill = (why: KillCause) => {
      if (cause) return;
      cause = why;
      // Windows has no SIGTERM to send first. If taskkill fails, the wait simply goes on.
      this.#launcher.killTree(child.pid).catch(() => {});
    };
    const onStop = () => kill(stop?.reason as StopReason);
    stop?.addEventListener("abort", onStop);
    const cancelTimer = run.timeout > 0
      ? afterMilliseconds(run.timeout * 1000, () => kill("timed_out"))
      : undefined;
    const log = new CappedLog(this.#files, run);
    const end = new AbortController();
    const copied = Promise.all(
      [child.stdout, child.stderr].map((stream) => log.take(stream, end.signal)),
    );
    const { code } = await child.status;
    cancelTimer?.();
    stop?.removeEventListener("abort", onStop);
    await pause(DRAIN_LIMIT, copied);
    end.abort();
    await copied;
    this.#files.append(this.#journal, `- ${run.id} ${run.attempt} ${code}\n`);
    return cause ? killed(cause, { code, bySignal: false }, run) : exited(code);
  }
}

/** Appends output to a log, up to its cap. */
class CappedLog {
  #left: number;
  #isFull = false;

  constructor(readonly files: FileSystem, readonly run: Run) {
    this.#left = run.logMax > 0 ? run.logMax : Infinity;
  }

  async take(stream: ReadableStream<Uint8Array>, end: AbortSignal): Promise<void> {
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    end.addEventListener("abort", () => reader.cancel().catch(() => {}));
    for (;;) {
      const { value } = await reader.read().catch(() => ({ value: undefined }));
      if (!value) return;
      const kept = value.subarray(0, Math.min(value.length, this.#left));
      this.#left -= kept.length;
      if (kept.length > 0) this.files.append(this.run.log, decoder.decode(kept, { stream: true }));
      if (kept.length < value.length && !this.#isFull) {
        this.#isFull = true;
        this.files.append(this.run.log, `\n${cappedNote(this.run.logMax)}\n`);
      }
    }
  }
}
