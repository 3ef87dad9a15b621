// What a shell says of the end of a run -> how it ended, in words. Pure.

import type { Ending } from "../queue/outcome.ts";
import { exited, notStarted } from "./ending.ts";
import type { RunEnd } from "./journal.ts";
import type { Run } from "./run.ts";

/** The longest single argument that Linux takes, with pages of 4 KiB. */
const LONGEST_ARGUMENT = 131_072;

/**
 * So much a system may refuse for all arguments together; only the wording of a message depends on
 * it.
 */
const LONGEST_SUM = 1_000_000;

type Told = Partial<Pick<Run, "command" | "cwd" | "log" | "env">>;

/** How a run ended that nobody killed. The more is known of it, the more a message can name. */
export function endingOf(end: RunEnd, run: Told = {}): Ending {
  if ("fault" in end) return notStarted(faultText(end.fault, run));
  const ending = exited(end.code);
  return end.code === 126 && isHuge(run)
    ? { ...ending, error: "the command is too long for this system" }
    : ending;
}

/** Why a run cannot even be put to a shell; undefined if it can. */
export function refusal(run: Run): string | undefined {
  const texts = [run.command, run.cwd, run.log, ...Object.entries(run.env).flat()];
  return texts.some((text) => text.includes("\0"))
    ? "could not be started: it holds a NUL character"
    : undefined;
}

function faultText(fault: string, { cwd, log }: Told): string {
  if (fault === "folder") return `cannot enter its folder${cwd ? ` ${cwd}` : ""}`;
  if (fault === "log") return `cannot write its log${log ? ` ${log}` : ""}`;
  if (fault === "journal") {
    return "could not be started: the worker's journal cannot be written; is the disk full?";
  }
  return `could not be started: ${fault}`;
}

function isHuge({ command = "", env = {} }: Told): boolean {
  const lengths = [command, ...Object.entries(env).flat()].map((text) =>
    new TextEncoder().encode(text).length
  );
  return lengths.some((length) => length >= LONGEST_ARGUMENT) ||
    lengths.reduce((sum, length) => sum + length) >= LONGEST_SUM;
}
