// The geometry of charts. Pure.

export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The next of 1, 2, 3, 4, 6, 8, 10, 20, …: a top for an axis that people can read. At least 1. */
export function roundTop(most: number): number {
  if (most <= 1) return 1;
  const size = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 3, 4, 6, 8, 10].map((n) => n * size).find((n) => n >= most)!;
}

/**
 * Stacked bars: the bars of each series, the first series at the bottom. A value above zero is at
 * least 1 high, however small its share is.
 */
export function stackedBars(
  series: readonly (readonly number[])[],
  { width, height, top, gap = 1 }: {
    readonly width: number;
    readonly height: number;
    readonly top: number;
    readonly gap?: number;
  },
): Bar[][] {
  const count = Math.max(0, ...series.map(({ length }) => length));
  const step = width / Math.max(1, count);
  const floor = Array.from({ length: count }, () => height);
  return series.map((values) =>
    values.map((value, i) => {
      const tall = value <= 0 ? 0 : Math.max(1, value / top * height);
      const y = Math.max(0, floor[i]! - tall);
      const bar = {
        x: i * step + gap / 2,
        y,
        width: Math.max(0.5, step - gap),
        height: floor[i]! - y,
      };
      floor[i] = y;
      return bar;
    })
  );
}

export interface Histogram {
  /** Upper bounds in seconds. */
  readonly le: readonly number[];
  /** One more than bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/**
 * The seconds under which a share of all lies, as far as classes tell: undefined without any,
 * Infinity beyond the last bound.
 */
export function quantile({ le, counts }: Histogram, share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = total * share;
  for (const [i, count] of counts.entries()) {
    if (count < left || count === 0) {
      left -= count;
      continue;
    }
    const [low, high] = [le[i - 1] ?? 0, le[i]];
    return high === undefined ? Infinity : low + (high - low) * left / count;
  }
  return Infinity;
}

/** The classes that are not empty, and one more at each side. */
export function usedPart({ counts }: Histogram): { from: number; to: number } {
  const used = [...counts.keys()].filter((i) => counts[i]! > 0);
  if (used.length === 0) return { from: 0, to: 0 };
  return { from: Math.max(0, used[0]! - 1), to: Math.min(counts.length, used.at(-1)! + 2) };
}
