// Runs commands through a resident shell: keeps the shell, watches the clock and the stop signal of
// each run, and says how it ended. Where there is a POSIX shell; see windows_executor.ts for
// elsewhere.

import type { Ending } from "../queue/outcome.ts";
import { diskFiles, type FileSystem } from "../system/file_system.ts";
import { type KillCause, killed, notStarted, shellDied } from "./ending.ts";
import { jobScript } from "./job_script.ts";
import { type JournalEntry, readJournal, type RunEnd } from "./journal.ts";
import { hasLeftovers, killAttempt } from "./kill_attempt.ts";
import { ResidentShell } from "./resident_shell.ts";
import type { Executor, Run, StopReason } from "./run.ts";
import { endingOf, refusal } from "./run_end.ts";
import { afterMilliseconds } from "./timer.ts";

/** The journal is begun anew when it has grown to so many bytes. */
const JOURNAL_LIMIT = 64 * 1024;

/** How long a run with a capped log waits at its end for children that keep the output open. */
const DRAIN_LIMIT = 250;

/** Looking for what jobs left behind may take one part in so many of the time. */
const LOOK_SHARE = 100;

export class ShellExecutor implements Executor {
  readonly #journal: string;
  readonly #files: FileSystem;
  #shell: ResidentShell | undefined;
  #written = 0;
  #isBusy = false;
  #looking: Promise<void> | undefined;
  #nextLook = 0;
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: { journal: string; files?: FileSystem }) {
    this.#journal = options.journal;
    this.#files = options.files ?? diskFiles;
  }

  async run(run: Run, stop?: AbortSignal): Promise<Ending> {
    if (this.#isBusy) throw new Error("Cannot run a command: the one before has not ended");
    this.#isBusy = true;
    try {
      const fault = refusal(run);
      if (fault) return notStarted(fault);
      for (let tries = 0; tries < 3; tries++) {
        const shell = await this.#readyShell();
        if (stop?.aborted) return killed(stop.reason, null, run);
        const ending = await this.#runIn(shell, run, stop);
        if (ending) return ending;
      }
      return notStarted(
        "the shell for jobs was killed each time before it could start the command",
      );
    } finally {
      this.#isBusy = false;
    }
  }

  async close(): Promise<void> {
    await this.#looking;
    this.#retire();
    await Promise.all(this.#leaving);
  }

  /** Undefined if the shell was gone before the run began. */
  async #runIn(shell: ResidentShell, run: Run, stop?: AbortSignal): Promise<Ending | undefined> {
    let isOver = false;
    let cause: KillCause | undefined;
    let killing: Promise<boolean> | undefined;
    const answered = shell.ask(jobScript(run, shell.umask, `${this.#journal}.pipe`));
    const kill = (why: KillCause) => {
      if (isOver || cause) return;
      cause = why;
      killing = killAttempt(shell.identity, run, () => isOver, answered);
    };
    const onStop = () => kill(stop?.reason as StopReason);
    stop?.addEventListener("abort", onStop);
    const cancelTimer = run.timeout > 0
      ? afterMilliseconds(run.timeout * 1000, () => kill("timed_out"))
      : undefined;
    const answer = await answered;
    isOver = true;
    cancelTimer?.();
    stop?.removeEventListener("abort", onStop);
    const wasKilled = await killing;

    let end = answer === undefined ? undefined : parseAnswer(answer);
    if (answer === undefined) {
      const entry = this.#entryOf(run);
      this.#retire();
      end = entry.end;
      if (entry.began === undefined && !end) return undefined;
      if (!end) await killAttempt(shell.identity, run, () => true);
    } else {
      if (run.logMax > 0 && end && "code" in end) {
        await shell.drained(`${run.id} ${run.attempt}`, DRAIN_LIMIT);
      }
      // What a full disk cut off must not run into the next line.
      if (answer.endsWith(" torn") || answer.startsWith("! journal")) this.#written = Infinity;
      this.#afterwards(shell, run);
    }
    if (cause && wasKilled) return killed(cause, end && "code" in end ? end.code : null, run);
    return end ? endingOf(end, run) : shellDied(shell.status ?? { code: 0, signal: null });
  }

  /** If the journal cannot be read, it is safe to take the run for begun. */
  #entryOf(run: Run): Omit<JournalEntry, "shell"> {
    try {
      return readJournal(this.#files, this.#journal, run.id, run.attempt);
    } catch {
      return { began: run.startedAt, end: undefined };
    }
  }

  async #readyShell(): Promise<ResidentShell> {
    await this.#looking;
    if (this.#shell?.status) this.#retire();
    if (!this.#shell) {
      this.#shell = await ResidentShell.start(this.#files, this.#journal);
      this.#written = 0;
    } else if (this.#written > JOURNAL_LIMIT) {
      // The shell appends, so it goes on behind the first line, which says who it is.
      const { pid, boot, start } = this.#shell.identity;
      this.#files.truncate(this.#journal, `shell ${pid} ${boot} ${start}\n`.length);
      this.#written = 0;
    }
    return this.#shell;
  }

  /**
   * A job that signals its whole group must not hit what an earlier one left in the background, so
   * a shell whose jobs left something is replaced. Looking costs some 2 ms: it is done while the
   * worker does other things, at once where the command looks like it, and else as often as costs
   * next to nothing.
   */
  #afterwards(shell: ResidentShell, run: Run): void {
    this.#written += 2 * (run.id.length + 32);
    const now = performance.now();
    if (now < this.#nextLook && !/(?:^|[^&<>])&(?!&)/.test(run.command)) return;
    this.#looking = hasLeftovers(shell.identity).catch(() => false).then((found) => {
      const end = performance.now();
      this.#nextLook = end + LOOK_SHARE * (end - now);
      this.#looking = undefined;
      if (found && this.#shell === shell) this.#retire();
    });
  }

  #retire(): void {
    const leaving = this.#shell?.release();
    this.#shell = undefined;
    if (!leaving) return;
    this.#leaving.add(leaving);
    leaving.finally(() => this.#leaving.delete(leaving));
  }
}

function parseAnswer(answer: string): RunEnd {
  const [kind, value = ""] = answer.split(" ");
  return kind === "-" ? { code: Number(value) } : { fault: value };
}
