// Runs commands through a resident shell: keeps the shell, watches the timeout and the stop signal
// of each run, and returns how it ended. For systems with a POSIX shell; others use
// windows_executor.ts.

import type { Ending } from "../queue/outcome.ts";
import { diskFiles, type FileSystem } from "../system/file_system.ts";
import { endingOf, killed, notStarted, refusal, shellDied } from "./ending.ts";
import { type Guard, startGuard } from "./guard.ts";
import { isShellsOwn, jobScript, LATE, REFUSED, type ShellKind } from "./job_script.ts";
import {
  aliveOf,
  type JournalEntry,
  noteKill,
  readJournal,
  type RunEnd,
  shellLine,
} from "./journal.ts";
import { killAttempt, type Killing } from "./kill_attempt.ts";
import { ResidentShell, type ShellOptions } from "./resident_shell.ts";
import type { Executor, KillCause, Run, StopReason } from "./run.ts";
import { afterMilliseconds } from "./timer.ts";

/** The journal is truncated when it has more than this many bytes. */
const JOURNAL_LIMIT = 64 * 1024;

/**
 * Milliseconds that a run with a capped log waits at its end for children that keep the output
 * open.
 */
const DRAIN_LIMIT = 250;

export class ShellExecutor implements Executor {
  readonly #journal: string;
  readonly #files: FileSystem;
  /** The kind of shell for jobs whose own variables need no other. */
  readonly #wanted: ShellKind;
  readonly #options: ShellOptions;
  #shell: ResidentShell | undefined;
  readonly #guards = new Map<Guard, Promise<void>>();
  #written = 0;
  #isBusy = false;
  readonly #leaving = new Set<Promise<void>>();

  constructor(
    options: {
      journal: string;
      files?: FileSystem;
      shell?: ShellKind | undefined;
    } & ShellOptions,
  ) {
    this.#journal = options.journal;
    const isOther = NOT_FOR_BASH.some((name) => Deno.env.get(name) !== undefined);
    this.#wanted = isOther ? "sh" : options.shell ?? "bash";
    this.#options = options;
    this.#files = options.files ?? diskFiles;
  }

  async ready(): Promise<void> {
    await this.#readyShell(this.#wanted);
  }

  async run(run: Run, stop?: AbortSignal): Promise<Ending> {
    if (this.#isBusy) throw new Error("Cannot run a command: the one before has not ended");
    this.#isBusy = true;
    try {
      const fault = refusal(run);
      if (fault) return notStarted(fault);
      for (let tries = 0; tries < 3; tries++) {
        const shell = await this.#readyShell(needsPlainShell(run) ? "sh" : this.#wanted);
        if (stop?.aborted) return killed(stop.reason, undefined, run);
        const ending = await this.#runIn(shell, run, stop);
        if (ending) return ending;
      }
      return notStarted(
        "the shell for jobs was killed three times before it could start the command",
      );
    } finally {
      this.#isBusy = false;
    }
  }

  async close(): Promise<void> {
    this.#retire();
    await Promise.all(this.#leaving);
    for (const guard of this.#guards.keys()) guard.release();
    await Promise.all(this.#guards.values());
    const alive = aliveOf(this.#journal);
    if (this.#files.info(alive)) this.#files.remove(alive);
  }

  /** Runs the command in this shell; undefined if the shell died before the run began. */
  async #runIn(shell: ResidentShell, run: Run, stop?: AbortSignal): Promise<Ending | undefined> {
    const answered = this.#ask(shell, run);
    const note = (cause: KillCause) => noteKill(this.#files, this.#journal, run, cause);
    const watch = new Watch(shell, run, note, answered, stop);
    const answer = await Promise.race([answered, watch.gaveUp]);
    const { cause, killing } = await watch.end();
    const wasKilled = cause !== undefined && killing?.wasEarly;
    if (answer === GAVE_UP) {
      // The shell waits for processes that can't be ended.
      shell.kill();
      this.#retire();
      return killed(cause!, undefined, run, killing?.survivors);
    }
    if (answer === undefined) {
      const { began, group, end } = this.#entryOf(run);
      this.#retire();
      if (began === undefined && !end) return undefined;
      const left = end
        ? undefined
        : await killAttempt(shell.identity, { ...run, group }, () => true);
      if (wasKilled) return killed(cause, end, run, killing?.survivors);
      if (end) return endingOf(end, run);
      return shellDied(shell.status ?? { code: 0, signal: null }, left?.survivors);
    }
    const end = await this.#endOf(answer, shell, run);
    if ("fault" in end && end.fault === LATE) throw new Error("no word from the store in time");
    return wasKilled ? killed(cause, end, run, killing?.survivors) : endingOf(end, run);
  }

  /** Gives the run to the shell, which may have to be asked something before; returns its answer. */
  async #ask(shell: ResidentShell, run: Run): Promise<string | undefined> {
    const inPlace = await shell.plain?.inPlace(run);
    return await shell.ask(jobScript(run, this.#journal, shell.kind, inPlace));
  }

  /** How the run ended, by the shell's answer. */
  async #endOf(answer: string, shell: ResidentShell, run: Run): Promise<RunEnd> {
    const [kind, value = ""] = answer.split(" ");
    this.#written += 2 * (run.id.length + 32);
    // A line that a full disk has cut off must not merge with the next one, so begin a new journal.
    if (answer.endsWith(" torn") || answer.startsWith("! journal")) this.#written = Infinity;
    if (kind === "!") return { fault: value };
    if (run.logMax > 0) await shell.drained(`${run.id} ${run.attempt}`, DRAIN_LIMIT);
    const code = Number(value);
    // For these codes the journal tells whether it was a signal, or whether the job began at all.
    const isMoreOnFile = code > 128 || code === REFUSED;
    return isMoreOnFile && this.#entryOf(run).end || { code, bySignal: false };
  }

  /** What the journal says of a run. If it can't be read, the safe answer is that the run began. */
  #entryOf(run: Run): Pick<JournalEntry, "began" | "group" | "end"> {
    try {
      return readJournal(this.#files, this.#journal, run);
    } catch {
      return { began: run.startedAt, group: undefined, end: undefined };
    }
  }

  async #readyShell(kind: ShellKind): Promise<ResidentShell> {
    if (this.#shell?.status || (kind === "sh" && this.#shell?.kind === "bash")) this.#retire();
    // If somebody has removed the journal, nobody can read what this shell writes. This is looked
    // at only now and then, since a look at each run would take a hundredth of a short job's time.
    if (this.#written > JOURNAL_LIMIT && !this.#files.info(this.#journal)) this.#retire();
    if (!this.#shell) {
      const shell = await ResidentShell.start(this.#files, this.#journal, kind, this.#options);
      this.#guardIt(shell);
      this.#shell = shell;
      this.#written = 0;
    } else if (this.#written > JOURNAL_LIMIT) {
      // The shell appends, so it goes on after the first line, which identifies it.
      this.#files.truncate(this.#journal, shellLine(this.#shell.identity).length + 1);
      this.#written = 0;
    }
    return this.#shell;
  }

  /** A guard that somebody has ended is replaced, as long as there is something to guard. */
  #guardIt(shell: ResidentShell, times = 0): void {
    const { deadline } = this.#options;
    if (deadline === undefined) return;
    try {
      const guard = startGuard(shell.identity, { journal: this.#journal, deadline });
      this.#guards.set(
        guard,
        guard.ended.then(() => {
          this.#guards.delete(guard);
          const isNeeded = this.#shell === shell && !shell.status && times < GUARDS;
          if (isNeeded) this.#guardIt(shell, times + 1);
        }),
      );
    } catch (error) {
      shell.kill();
      throw error;
    }
  }

  #retire(): void {
    const leaving = this.#shell?.release();
    this.#shell = undefined;
    if (!leaving) return;
    this.#leaving.add(leaving);
    leaving.finally(() => this.#leaving.delete(leaving));
  }
}

/** So often the guard of a shell is replaced: one that can't do its work must not be for ever. */
const GUARDS = 100;

const GAVE_UP = Symbol("gave up");

/** Kills a run at its timeout or when `stop` aborts, and knows how that went. */
class Watch {
  /** Settles when the run cannot be ended. */
  readonly gaveUp: Promise<typeof GAVE_UP>;
  #isOver = false;
  #cause: KillCause | undefined;
  #killing: Promise<Killing> | undefined;
  readonly #letGo: () => void;

  constructor(
    shell: ResidentShell,
    run: Run,
    note: (cause: KillCause) => void,
    answered: Promise<unknown>,
    stop: AbortSignal | undefined,
  ) {
    const { promise, resolve } = Promise.withResolvers<typeof GAVE_UP>();
    this.gaveUp = promise;
    const kill = (why: KillCause) => {
      if (this.#isOver || this.#cause) return;
      this.#cause = why;
      const isOver = () => this.#isOver;
      this.#killing = killAttempt(shell.identity, run, isOver, () => note(why), answered);
      this.#killing.then(() => resolve(GAVE_UP));
    };
    answered.then(() => this.#isOver = true);
    const onStop = () => kill(stop?.reason as StopReason);
    stop?.addEventListener("abort", onStop);
    const cancelTimer = run.timeout > 0
      ? afterMilliseconds(run.timeout * 1000, () => kill("timed_out"))
      : undefined;
    this.#letGo = () => {
      cancelTimer?.();
      stop?.removeEventListener("abort", onStop);
    };
  }

  /** Stops watching. If the run is being killed, waits for that, and returns why. */
  async end(): Promise<{ cause: KillCause | undefined; killing: Killing | undefined }> {
    this.#letGo();
    return { cause: this.#cause, killing: await this.#killing };
  }
}

/** Whether a variable of the run is one that bash does not pass on, but other shells may. */
function needsPlainShell({ env }: Run): boolean {
  return Object.keys(env).some(isShellsOwn);
}

/**
 * Variables of the worker's environment that bash would pass on changed; or with which it would find
 * other programs than /bin/sh, or could not wait for a job that is stopped.
 */
const NOT_FOR_BASH = ["BASHOPTS", "SHELLOPTS", "EXECIGNORE", "BASH_COMPAT", "FUNCNEST"];
