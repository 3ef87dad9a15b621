// The journal that a worker's shell writes: who the shell is, and which runs it has begun and
// ended. It outlives the worker, and is what an adopter goes by.

import type { FileSystem } from "../system/file_system.ts";

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

/** How a run ended in the eyes of its shell: an exit code, or why it was not started. */
export type RunEnd = { readonly code: number } | { readonly fault: string };

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
export function readJournal(
  files: FileSystem,
  path: string,
  id: string,
  attempt: number,
): JournalEntry {
  let shell: ProcessIdentity | undefined;
  let began: number | undefined;
  let end: RunEnd | undefined;
  const lines = journalText(files, path).split("\n");
  for (const line of lines.slice(0, -1)) {
    const [kind, first = "", second = "", third = ""] = line.split(" ");
    if (kind === "shell") shell = { pid: Number(first), boot: second, start: third };
    if (first !== id || second !== String(attempt)) continue;
    if (kind === "+") began = Number(third);
    else if (kind === "-") end = { code: Number(third) };
    else if (kind === "!") end = { fault: third };
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
