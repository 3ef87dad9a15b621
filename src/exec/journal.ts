// The journal that a worker's shell writes: which process the shell is, and which runs it has begun
// and ended. Whoever kills a run adds why. It outlives the worker; whoever adopts a run reads it.

import type { FileSystem } from "../system/file_system.ts";
import { isKillCause, type KillCause, type Run } from "./run.ts";

/**
 * Identifies a process, also against a later one with the same process id. `start` is its start
 * time as the system counts it.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** The boot id of the machine; `-` if there is none. */
  readonly boot: string;
  readonly start: string;
  /** The PID namespace that `pid` belongs to; `-` if it is not known. */
  readonly namespace: string;
  /** The name of its machine or container; `-` if it is not known. */
  readonly host: string;
}

/** The first line of a journal, which identifies its shell. */
export function shellLine({ pid, boot, start, namespace, host }: ProcessIdentity): string {
  return `shell ${pid} ${boot} ${start} ${namespace} ${host}`;
}

function parseShell([, pid, boot = "-", start = "-", namespace = "-", host = "-"]: string[]) {
  return { pid: Number(pid), boot, start, namespace, host };
}

/** A named pipe that the shell holds open for as long as it lives: see `isHeld`. */
export function aliveOf(journal: string): string {
  return `${journal}.alive`;
}

/** The named pipe through which the output of a job with a capped log goes. */
export function pipeOf(journal: string): string {
  return `${journal}.pipe`;
}

/** Identifies one run of a job. The id alone may be used again after the job was removed. */
export type RunKey = Pick<Run, "id" | "attempt" | "startedAt">;

/** How a run ended, as its shell reports it: an exit code, or why it was not started. */
export type RunEnd =
  | {
    readonly code: number;
    /** Whether it died of the signal that the code stands for. */
    readonly bySignal: boolean;
  }
  | { readonly fault: string };

export interface JournalEntry {
  /** Undefined only if the shell was never ready, and so never got a job. */
  readonly shell: ProcessIdentity | undefined;
  /** When the run began, in milliseconds since 1970. */
  readonly began: number | undefined;
  /** The process group that the shell gave it, if that is on record. */
  readonly group: number | undefined;
  /** Why its processes were signalled before it had ended; undefined if they were not. */
  readonly killedFor: KillCause | undefined;
  readonly end: RunEnd | undefined;
}

/**
 * What the journal says about one run. A line that is cut off is ignored; a missing journal counts
 * as empty.
 */
export function readJournal(files: FileSystem, path: string, run: RunKey): JournalEntry {
  let shell: ProcessIdentity | undefined;
  let began: number | undefined;
  let group: number | undefined;
  let killedFor: KillCause | undefined;
  let end: RunEnd | undefined;
  // An end belongs to the run that began last, since a shell runs one at a time; or, where the line
  // of a begin was lost, to the one that it names.
  let [isOurs, isOpen] = [false, false];
  // A shell says in words of its own that a job died of a signal. It has nothing else to say.
  let saidMore = false;
  for (const line of journalText(files, path).split("\n").slice(0, -1)) {
    const words = line.split(" ");
    const [kind, first = "", second = "", third = "", fourth = ""] = words;
    const isOfRun = first === run.id && second === String(run.attempt);
    if (kind === KILL) {
      const isItsKill = isOfRun && third === String(run.startedAt) && end === undefined;
      if (isItsKill && isKillCause(fourth)) killedFor ??= fourth;
      continue;
    }
    if (kind === "shell") shell = parseShell(words);
    else if (kind === "+") {
      isOpen = true;
      isOurs = isOfRun && third === String(run.startedAt);
      if (isOurs) [began, group, end] = [run.startedAt, undefined, undefined];
    } else if (kind === "=" && isOurs) group = Number(first);
    else if (kind === "-" || kind === "!") {
      if (isOfRun && (isOurs || !isOpen)) {
        end ??= kind === "!" ? { fault: third } : { code: Number(third), bySignal: saidMore };
      }
      isOpen = false;
    }
    saidMore = !["shell", "+", "=", "-", "!", ""].includes(kind!);
  }
  return { shell, began, group, killedFor, end };
}

/** What a line begins with that tells why a run is killed. */
const KILL = "x";

/**
 * Notes why a run is killed, which has to happen before the first signal: whoever adopts the run
 * could not tell the signal from one of a stranger.
 */
export function noteKill(files: FileSystem, path: string, run: RunKey, cause: KillCause): void {
  try {
    files.append(path, `${KILL} ${run.id} ${run.attempt} ${run.startedAt} ${cause}\n`);
  } catch {
    // The disk is full, or somebody has removed the journal. The run must end all the same.
  }
}

/** The shell that writes the journal, and whether it may be running a job or about to begin one. */
export function readWriter(
  files: FileSystem,
  path: string,
): { shell: ProcessIdentity | undefined; isAtWork: boolean } {
  const lines = journalText(files, path).split("\n").slice(0, -1);
  const first = lines.find((line) => line.startsWith("shell "));
  const last = lines.findLast((line) => !line.startsWith(`${KILL} `));
  return {
    shell: first === undefined ? undefined : parseShell(first.split(" ")),
    isAtWork: !/^[-!] /.test(last ?? ""),
  };
}

/** The run that began last, whether it has ended or not; undefined if there was none. */
export function lastRun(files: FileSystem, path: string): RunKey | undefined {
  const lines = journalText(files, path).split("\n").slice(0, -1);
  const [, id, attempt, startedAt] = lines.findLast((line) => line.startsWith("+ "))?.split(" ") ??
    [];
  return id === undefined
    ? undefined
    : { id, attempt: Number(attempt), startedAt: Number(startedAt) };
}

function journalText(files: FileSystem, path: string): string {
  try {
    return files.readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
