// Turns what a shell reports about the end of a run into an outcome and a message. Pure.

import type { Ending } from "../queue/outcome.ts";
import { isShellsOwn } from "./job_script.ts";
import type { RunEnd } from "./journal.ts";
import type { KillCause, Run, StopReason } from "./run.ts";

// Only signals whose default action ends a process: nothing dies of SIGCHLD (17), so 128 + 17 is an
// exit code.
const SIGNALS: Readonly<Record<number, string>> = Deno.build.os === "linux"
  ? named(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT " +
      "- - - - - - - XCPU XFSZ VTALRM PROF - IO PWR SYS",
  )
  : named(
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM " +
      "- - - - - - - - XCPU XFSZ VTALRM PROF - - USR1 USR2",
  );

function named(names: string): Record<number, string> {
  const entries = names.split(" ").map((name, index) => [index + 1, `SIG${name}`] as const);
  return Object.fromEntries(entries.filter(([, name]) => name !== "SIG-"));
}

/** Bytes of the longest single argument that Linux takes, with pages of 4 KiB. */
const LONGEST_ARGUMENT = 131_072;

/** Bytes; no system takes a longer argument. */
const LONGEST_ANYWHERE = 2 ** 21;

const TOO_LONG = "the command is too long for this system";

/**
 * Bytes of all arguments together that a system may refuse; only the wording of a message depends
 * on it.
 */
const LONGEST_SUM = 1_000_000;

type Told = Partial<Pick<Run, "command" | "cwd" | "log" | "env">>;

/** How a run ended that was not killed. Its message names what is given of the run. */
export function endingOf(end: RunEnd, run: Told = {}): Ending {
  if ("fault" in end) {
    return end.fault === "deadline" ? lost(CUT_OFF) : notStarted(faultText(end.fault, run));
  }
  const ending = exited(end.code, end.bySignal);
  return end.code === 126 && isHuge(run) ? { ...ending, error: TOO_LONG } : ending;
}

/** Why a run can't be given to a shell; undefined if it can. */
export function refusal(run: Run): string | undefined {
  const texts = [run.command, run.cwd, run.log, ...Object.entries(run.env).flat()];
  if (texts.some((text) => text.includes("\0"))) {
    return "could not be started: it holds a NUL character";
  }
  // The shell would take seconds to read it.
  return texts.some((text) => text.length > LONGEST_ANYWHERE) ? TOO_LONG : undefined;
}

function faultText(fault: string, { cwd, log, env = {} }: Told): string {
  if (fault === "folder") return `cannot enter its folder${cwd ? ` ${cwd}` : ""}`;
  if (fault === "log") return `cannot write its log${log ? ` ${log}` : ""}`;
  if (fault === "journal") {
    return "could not be started: the worker's journal cannot be written; is the disk full?";
  }
  if (fault === "tools") {
    return "could not be started: log_max needs cat, dd, mkfifo, rm and wc, and one of them is " +
      "not on the worker's PATH";
  }
  if (fault === "environment") {
    const names = Object.keys(env).filter((name) => isShellsOwn(name) || !isName(name));
    return `could not be started: the shell does not let us set ${
      names.length > 0 ? names.join(", ") : "its variables"
    }`;
  }
  return `could not be started: ${fault}`;
}

function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

function isHuge({ command = "", env = {} }: Told): boolean {
  const lengths = [command, ...Object.entries(env).flat()].map((text) =>
    new TextEncoder().encode(text).length
  );
  return lengths.some((length) => length >= LONGEST_ARGUMENT) ||
    lengths.reduce((sum, length) => sum + length) >= LONGEST_SUM;
}

/**
 * The ending of a command that ended by itself. A shell reports death by signal s as 128 + s, but a
 * program may exit with the same code. So `bySignal` has to come from elsewhere.
 */
export function exited(code: number, bySignal = false): Ending {
  if (code === 0) return { outcome: "succeeded", exitCode: 0, signal: null, error: null };
  const signal = signalOf(code, bySignal);
  return {
    outcome: "failed",
    exitCode: code,
    signal,
    error: signal ? `killed by ${signal}` : exitText(code),
  };
}

function signalOf(code: number, bySignal: boolean): string | null {
  return bySignal ? SIGNALS[code - 128] ?? null : null;
}

function exitText(code: number): string {
  if (code === 126) return "exit code 126: found, but it could not be executed";
  if (code === 127) return "exit code 127: command not found";
  const name = SIGNALS[code - 128];
  return name ? `exit code ${code} (128 + ${name})` : `exit code ${code}`;
}

/** The ending of a command that never began, for a reason such as a missing folder. */
export function notStarted(error: string): Ending {
  return { outcome: "failed", exitCode: null, signal: null, error };
}

/**
 * The ending of a run that was killed for `cause`.
 *
 * @param end what its shell reported, if anything
 *
 * @param survivors the processes that could not be ended
 */
export function killed(
  cause: KillCause,
  end: RunEnd | undefined,
  run: Pick<Run, "timeout">,
  survivors: readonly number[] = [],
): Ending {
  const { code, bySignal } = end && "code" in end ? end : { code: null, bySignal: false };
  const reason = cause === "timed_out" ? `timed out after ${run.timeout}s` : KILLED[cause];
  return {
    outcome: cause,
    exitCode: code,
    signal: code === null ? null : signalOf(code, bySignal),
    error: reason + leftOf(survivors),
  };
}

function leftOf(survivors: readonly number[]): string {
  if (survivors.length === 0) return "";
  const live = survivors.length === 1 ? "lives on: it" : "live on: they";
  return `, but process ${survivors.join(", ")} ${live} could not be ended`;
}

const CUT_OFF =
  "its host had no word from the store in time, and ended it so that it can't run twice";

const KILLED: Readonly<Record<StopReason, string>> = {
  cancelled: "cancelled while it ran",
  released: "stopped before its end and handed back",
};

/**
 * The ending of a run whose shell died first; its remaining processes have been killed.
 *
 * @param survivors the processes that could not be ended
 */
export function shellDied(
  status: Pick<Deno.CommandStatus, "code" | "signal">,
  survivors: readonly number[] = [],
): Ending {
  const how = status.signal
    ? `was killed by ${status.signal}`
    : `ended with exit code ${status.code}`;
  return {
    outcome: "failed",
    exitCode: null,
    signal: status.signal,
    error: `the shell that ran the job ${how}${leftOf(survivors)}`,
  };
}

/** The ending of a run that has ended, but nobody knows how. */
export function lost(error: string): Ending {
  return { outcome: "lost", exitCode: null, signal: null, error };
}
