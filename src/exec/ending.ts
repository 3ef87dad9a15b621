// Exit codes and reasons -> how a run ended, in words. Pure.

import type { Ending } from "../queue/outcome.ts";
import type { Run, StopReason } from "./run.ts";

/** Why a run was killed by us. */
export type KillCause = StopReason | "timed_out";

// Only those whose default action ends a process: 128 + 17 is an exit code, nobody dies of SIGCHLD.
const SIGNALS: Readonly<Record<number, string>> = Deno.build.os === "linux"
  ? named(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT - - - - - - - XCPU XFSZ VTALRM PROF - IO PWR SYS",
  )
  : named(
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM - - - - - - - - XCPU XFSZ VTALRM PROF - - USR1 USR2",
  );

function named(names: string): Record<number, string> {
  const entries = names.split(" ").map((name, index) => [index + 1, `SIG${name}`] as const);
  return Object.fromEntries(entries.filter(([, name]) => name !== "SIG-"));
}

/** The ending of a command that ended by itself; a shell reports a death by signal s as 128 + s. */
export function exited(code: number): Ending {
  if (code === 0) return { outcome: "succeeded", exitCode: 0, signal: null, error: null };
  const signal = SIGNALS[code - 128] ?? null;
  return {
    outcome: "failed",
    exitCode: code,
    signal,
    error: signal ? `killed by ${signal}` : exitText(code),
  };
}

function exitText(code: number): string {
  if (code === 126) return "exit code 126: found, but it could not be executed";
  if (code === 127) return "exit code 127: command not found";
  return `exit code ${code}`;
}

/** The ending of a command that never began, for a reason such as a missing folder. */
export function notStarted(error: string): Ending {
  return { outcome: "failed", exitCode: null, signal: null, error };
}

/**
 * The ending of a run that was killed for `cause`; `code` is what its shell still said of it, if
 * anything.
 */
export function killed(cause: KillCause, code: number | null, run: Pick<Run, "timeout">): Ending {
  const signal = code === null ? null : SIGNALS[code - 128] ?? null;
  const error = cause === "timed_out" ? `timed out after ${run.timeout}s` : KILLED[cause];
  return { outcome: cause, exitCode: code, signal, error };
}

const KILLED: Readonly<Record<StopReason, string>> = {
  cancelled: "cancelled while it ran",
  released: "stopped before its end and handed back",
};

/** The ending of a run whose shell ended before it; what was left of it has been killed. */
export function shellDied(status: Pick<Deno.CommandStatus, "code" | "signal">): Ending {
  const how = status.signal
    ? `was killed by ${status.signal}`
    : `ended with exit code ${status.code}`;
  return {
    outcome: "failed",
    exitCode: null,
    signal: status.signal,
    error: `the shell that ran the job ${how}`,
  };
}

/** The ending of a run that is gone, and of which nobody can tell how it ended. */
export function lost(error: string): Ending {
  return { outcome: "lost", exitCode: null, signal: null, error };
}
