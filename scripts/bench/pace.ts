// How fast a queue was drained, beside another: as a rate, and as CPU time, which says more where
// other programs are at work on the machine.
import { atLeast, ratioRow, type Row } from "./figures.ts";
import type { Pace } from "./peers.ts";

/** @param least the share of the other's rate that is to be reached, if any is */
export function paceRows(
  what: string,
  samples: readonly Pace[],
  beside: string,
  others: readonly Pace[],
  least?: number,
): Row[] {
  const rates = (paces: readonly Pace[]) => paces.map(({ rate }) => rate);
  const cpus = (paces: readonly Pace[]) => paces.map(({ cpu }) => cpu * 1000);
  return [
    ratioRow({
      what,
      unit: "/s",
      values: rates(samples),
      yardstick: { name: beside, values: rates(others) },
      ...(least !== undefined && { target: atLeast(least) }),
    }),
    ratioRow({
      what: `${what}: CPU time a job`,
      unit: "ms",
      values: cpus(samples),
      yardstick: { name: beside, values: cpus(others) },
    }),
  ];
}
