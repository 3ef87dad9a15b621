// Rows of figures as a table for people, and as JSON to keep. What is not reached is shown as that.
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
    reached === undefined
      ? ""
      : { text: reached ? "yes" : "NO", colour: reached ? "green" : "red" },
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
    return `at ${at} ${limit.toLocaleString("en-US")}${
      unit === "/s" || unit === "%" ? unit : ` ${unit}`
    }`;
  }
  return `at ${at} ${limit}${of === "every ratio" ? ", each round" : ""}`;
}

/**
 * JSON, a line for each row, so that two results can be compared; digits that mean nothing are left
 * out.
 */
export function resultText(head: Record<string, unknown>, rows: readonly Row[]): string {
  const short = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(5)) : value;
  const lines = rows.map((row) => `  ${JSON.stringify(row, short)}`);
  return `${JSON.stringify(head, null, 2).replace(/\n}$/, "")},\n  "rows": [\n${
    lines.join(",\n")
  }\n  ]\n}\n`;
}
