// The arithmetic of the benchmark: samples of several rounds in, rows of the table out. Pure.

/** What a figure counts. */
export type Unit = "/s" | "ms" | "MB" | "%" | "lost" | "connections";

/**
 * What is to be reached: by the figure itself, by the median of the ratios, or by the ratio of each
 * round.
 */
export interface Target {
  readonly of: "value" | "ratio" | "every ratio";
  readonly at: "least" | "most";
  readonly limit: number;
}

/**
 * One figure: the median of its rounds, what it was measured beside, and whether that is enough.
 */
export interface Row {
  readonly what: string;
  readonly unit: Unit;
  /** Undefined if it could not be measured here; `note` says why. */
  readonly value: number | undefined;
  readonly yardstick: { readonly name: string; readonly value: number } | undefined;
  /** The median of the ratios of the rounds, not the ratio of the medians. */
  readonly ratio: number | undefined;
  readonly target: Target | undefined;
  readonly reached: boolean | undefined;
  readonly note: string | undefined;
  /** The rounds, in order. */
  readonly values: readonly number[];
  readonly yardsticks: readonly number[];
}

export function atLeast(limit: number, of: Target["of"] = "ratio"): Target {
  return { of, at: "least", limit };
}

export function atMost(limit: number, of: Target["of"] = "ratio"): Target {
  return { of, at: "most", limit };
}

/**
 * The value that a share of all, from 0 to 1, does not exceed; between two of them it is
 * interpolated.
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("No values, so no quantile");
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Each round's value by the yardstick of the same round. */
export function ratios(values: readonly number[], yardsticks: readonly number[]): number[] {
  if (values.length !== yardsticks.length) throw new RangeError("Each round needs its yardstick");
  return values.map((value, round) => value / yardsticks[round]!);
}

/**
 * A figure that stands for itself. `value` is what becomes of the rounds: their median if left out.
 */
export function plainRow(
  { what, unit, values, value = median(values), target, note }: {
    what: string;
    unit: Unit;
    values: readonly number[];
    value?: number;
    target?: Target;
    note?: string;
  },
): Row {
  const reached = target && meets([value], target);
  return {
    what,
    unit,
    value,
    yardstick: undefined,
    ratio: undefined,
    target,
    reached,
    note,
    values,
    yardsticks: [],
  };
}

/** A figure beside its yardstick. */
export function ratioRow(
  { what, unit, values, yardstick, target, note }: {
    what: string;
    unit: Unit;
    values: readonly number[];
    yardstick: { name: string; values: readonly number[] };
    target?: Target;
    note?: string;
  },
): Row {
  const each = ratios(values, yardstick.values);
  return {
    what,
    unit,
    value: median(values),
    yardstick: { name: yardstick.name, value: median(yardstick.values) },
    ratio: median(each),
    target,
    reached: target && meets(target.of === "every ratio" ? each : [median(each)], target),
    note,
    values,
    yardsticks: yardstick.values,
  };
}

/** A figure that can't be had here. */
export function missingRow(what: string, unit: Unit, note: string): Row {
  return {
    what,
    unit,
    value: undefined,
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    reached: undefined,
    note,
    values: [],
    yardsticks: [],
  };
}

function meets(figures: readonly number[], { at, limit }: Target): boolean {
  return figures.every((figure) => at === "least" ? figure >= limit : figure <= limit);
}
