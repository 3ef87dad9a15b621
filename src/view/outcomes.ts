// The words and colours for how attempts ended.
import type { Ending, Outcome } from "../queue/outcome.ts";
import type { Colour } from "./style.ts";

export const OUTCOME_COLOURS: Readonly<Record<Outcome, Colour>> = {
  succeeded: "green",
  failed: "red",
  timed_out: "red",
  lost: "red",
  cancelled: "dim",
  released: "yellow",
};

/** `succeeded`, `exit 1`, `SIGKILL`, `timed out`. */
export function endingText({ outcome, exitCode, signal }: Ending): string {
  if (outcome !== "failed") return outcome.replace("_", " ");
  if (signal !== null) return signal;
  return exitCode === null ? "failed" : `exit ${exitCode}`;
}
