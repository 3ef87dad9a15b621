// The journal that a worker's shell writes: who the shell is, and which runs it has begun and
// ended. It outlives the worker, and is what an adopter goes by.

import type { FileSystem } from "../system/file_system.ts";
import type { Run } from "./run.ts";

/**
 * Tells a process from every other, also from one that gets its number later. `start` is as the
 * system counts.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** The id of the machine's present start, `-` where it has none. */
  readonly boot: string;
  readonly start: string;
}

/** One run of a job, told from each other: an id may be used again after the job was removed. */
export type RunKey = Pick<Run, "id" | "attempt" | "startedAt">;

/** How a run ended in the eyes of its shell: an exit code, or why it was not started. */
export type RunEnd =
  | {
    readonly code: number;
    /** Whether it died of the signal that the code stands for. */
    readonly bySignal: boolean;
  }
  | { readonly fault: string };

export interface JournalEntry {
  /** Undefined only if the shell never was ready, and so never was given a job. */
  readonly shell: ProcessIdentity | undefined;
  /** When the run began, in milliseconds since 1970. */
  readonly began: number | undefined;
  readonly end: RunEnd | undefined;
}

/**
 * What the journal says of one run. A line that is cut off counts as not written; a journal that is
 * missing, as empty.
 */
export function readJournal(files: FileSystem, path: string, run: RunKey): JournalEntry {
  let shell: ProcessIdentity | undefined;
  let began: number | undefined;
  let end: RunEnd | undefined;
  // An end belongs to the run that began last: a shell runs one at a time.
  let isOurs = false;
  // A shell says in words of its own that a job died of a signal. It has nothing else to say.
  let saidMore = false;
  for (const line of journalText(files, path).split("\n").slice(0, -1)) {
    const [kind, first = "", second = "", third = ""] = line.split(" ");
    const isOfRun = first === run.id && second === String(run.attempt);
    if (kind === "shell") shell = { pid: Number(first), boot: second, start: third };
    else if (kind === "+") {
      isOurs = isOfRun && third === String(run.startedAt);
      if (isOurs) began = run.startedAt;
    } else if (kind === "-" && isOurs && isOfRun) {
      end ??= { code: Number(third), bySignal: saidMore };
    } else if (kind === "!" && isOurs && isOfRun) end ??= { fault: third };
    saidMore = !["shell", "+", "-", "!"].includes(kind!);
  }
  return { shell, began, end };
}

function journalText(files: FileSystem, path: string): string {
  try {
    return files.readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
