// How far long work has come, redrawn in place; on a terminal's stderr only.
import type { Progress } from "../queue/operations.ts";
import { progressText } from "../view/progress.ts";
import type { Context } from "./context.ts";

/** Work shorter than this shows no bar, and a bar is redrawn no more often. */
const QUIET = 500;
const BETWEEN = 100;

export interface Meter {
  step(): void;
  to(done: number): void;
  /** Takes the bar away, for a message; the next step brings it back. */
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
    // The clock is read once in 256 steps: a step itself takes less time than that.
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

/** The same for operations that report on themselves. The total is known when they first do. */
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
