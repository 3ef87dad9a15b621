// A progress bar for long work, redrawn in place on stderr, and only on a terminal.
import type { Progress } from "../queue/operations.ts";
import { progressText } from "../view/progress.ts";
import type { Context } from "./context.ts";

/**
 * Milliseconds: work that is shorter than `QUIET` shows no bar, and `BETWEEN` is the shortest time
 * between two redraws.
 */
const QUIET = 500;
const BETWEEN = 100;

export interface Meter {
  step(): void;
  to(done: number): void;
  /** Removes the bar, to print a message; the next step draws it again. */
  clear(): void;
  end(): void;
}

/** A meter for `total` units of work. */
export function progressMeter({ stderr, now }: Context, label: string, total: number): Meter {
  const begun = now();
  let [done, drawnAt, drawn] = [0, begun + QUIET - BETWEEN, false];
  const clear = () => {
    if (drawn) stderr.write("\r\x1b[K");
    drawn = false;
  };
  const to = (amount: number) => {
    done = amount;
    // The clock is read only once in 256 steps, since reading it takes longer than a step.
    if (!stderr.isTerminal || (total > 1000 && (done & 0xff) !== 0 && done < total)) return;
    const time = now();
    if (time - drawnAt < BETWEEN) return;
    drawnAt = time;
    drawn = true;
    stderr.write(
      "\r" + progressText(label, done, total, (time - begun) / 1000, stderr.columns) + "\x1b[K",
    );
  };
  return { step: () => to(done + 1), to, clear, end: clear };
}

/** A meter for operations that report their progress. The total comes with their first report. */
export function progressOf(context: Context, label: string): { progress: Progress; end(): void } {
  let meter: Meter | undefined;
  return {
    progress(done, total) {
      meter ??= progressMeter(context, label, total);
      meter.to(done);
    },
    end: () => meter?.end(),
  };
}
