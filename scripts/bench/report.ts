// Rows of figures as a table for people. What is not reached is shown as that.
import { type Cell, renderTable, type TableStyle } from "../../src/view/table.ts";
import type { Row, Target, Unit } from "./figures.ts";

/** The table, and below it what there is to say about some of its rows. */
export async function tableOf(rows: readonly Row[], style: TableStyle): Promise<string> {
  const columns = [
    { title: "WHAT" },
    { title: "VALUE", right: true },
    { title: "YARDSTICK" },
    { title: "RATIO", right: true },
    { title: "TO REACH" },
    { title: "REACHED" },
  ];
  const notes = rows.flatMap(({ what, note }) => note === undefined ? [] : [`${what}: ${note}`]);
  const table = await renderTable(columns, rows.map(cellsOf), style);
  return table + notes.map((note) => `${note}\n`).join("");
}

function cellsOf({ what, unit, value, yardstick, ratio, target, reached }: Row): Cell[] {
  return [
    what,
    value === undefined ? "-" : figureText(value, unit),
    yardstick === undefined ? "" : `${yardstick.name} ${figureText(yardstick.value, unit)}`,
    // Three digits, so that one just below what is to be reached does not look as if it were not.
    ratio === undefined ? "" : ratio.toFixed(3),
    target === undefined ? "" : targetText(target, unit),
    reached === undefined ? "" : { text: reached ? "yes" : "NO", colour: reached ? "green" : "red" },
  ];
}

/** Three digits that count, and the unit. */
export function figureText(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === "/s" || unit === "%" ? number + unit : `${number} ${unit}`;
}

/** Such as "at least 0.75". */
export function targetText({ of, at, limit }: Target, unit: Unit): string {
  if (of === "value") {
    return `at ${at} ${limit.toLocaleString("en-US")}${unit === "/s" || unit === "%" ? unit : ` ${unit}`}`;
  }
  return `at ${at} ${limit}${of === "every ratio" ? ", each round" : ""}`;
}
