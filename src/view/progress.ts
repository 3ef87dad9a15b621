// A progress bar as one line of text.
import { durationText } from "./times.ts";

const BAR = 30;

/**
 * `Enqueueing  [#####.....] 50%  3s left`, cut to `columns`. `seconds` is the time that has passed.
 */
export function progressText(
  label: string,
  done: number,
  total: number,
  seconds: number,
  columns: number,
): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR);
  const left = share > 0 && share < 1
    ? `  ${durationText(Math.ceil(seconds / share - seconds))} left`
    : "";
  const bar = `[${"#".repeat(filled)}${".".repeat(BAR - filled)}]`;
  return `${label}  ${bar} ${Math.floor(share * 100)}%${left}`.slice(0, Math.max(0, columns - 1));
}
