// Tables with aligned columns, cut to the terminal's width, for any characters.
import { oneLine } from "./escape.ts";
import type { Colour, Paint } from "./style.ts";

export interface Column {
  readonly title: string;
  /** Whether to align it to the right, as for numbers. */
  readonly right?: boolean;
  /** Whether the column is cut when the table is too wide. */
  readonly cut?: boolean;
}

/**
 * A cell: raw text, which may contain control characters. The colour is separate, since it has no
 * width.
 */
export type Cell = string | { readonly text: string; readonly colour: Colour | undefined };

export interface TableStyle {
  readonly paint: Paint;
  /** The width to fit into; undefined to cut nothing. */
  readonly width: number | undefined;
}

type Measure = (text: string, limit?: number) => { width: number; cut: string };

const GAP = "  ";
const NARROWEST = 8;

/**
 * The table as text, with a line of titles and a line for each row; each line ends in a newline.
 * Asynchronous only because measuring wide characters loads a package, which tables of ASCII text
 * don't need.
 */
export async function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle,
): Promise<string> {
  const cells = rows.map((row) => row.map((cell) => oneLine(textOf(cell))));
  // deno-lint-ignore no-control-regex
  const simple = !cells.some((row) => row.some((text) => /[^\x00-\x7f]/.test(text)));
  const measure = simple ? measureAscii : await loadMeasure();
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...chunkedMax(cells.map((row) => measure(row[i] ?? "").width)))
  );
  if (style.width !== undefined) narrow(columns, widths, style.width);
  const limit = (i: number) => style.width === undefined ? undefined : widths[i];

  const lines = [columns.map((column) => column.title), ...cells].map((texts, n) =>
    texts.map((text, i) => {
      const { width, cut } = measure(text, limit(i));
      const painted = style.paint(cut, n === 0 ? "bold" : colourOf(rows[n - 1]?.[i]));
      const space = " ".repeat(Math.max(0, widths[i]! - width));
      if (columns[i]?.right) return space + painted;
      return i === texts.length - 1 ? painted : painted + space;
    }).join(GAP)
  );
  return lines.map((line) => line.trimEnd() + "\n").join("");
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

function colourOf(cell: Cell | undefined): Colour | undefined {
  return typeof cell === "object" ? cell.colour : undefined;
}

// Narrows the columns marked `cut` first, then the widest ones, until the table fits or all have
// the least width.
function narrow(columns: readonly Column[], widths: number[], room: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  for (const i of columns.keys()) {
    if (columns[i]!.cut) {
      widths[i] = Math.max(NARROWEST, Math.min(widths[i]!, widths[i]! - (total() - room)));
    }
  }
  while (total() > room) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= NARROWEST) return;
    widths[widest]! -= 1;
  }
}

function measureAscii(text: string, limit = Infinity): ReturnType<Measure> {
  if (text.length <= limit) return { width: text.length, cut: text };
  return { width: limit, cut: text.slice(0, limit - 1) + "…" };
}

async function loadMeasure(): Promise<Measure> {
  const { default: measure } = await import("fast-string-truncated-width");
  return (text, limit = Infinity) => {
    const { width, index, ellipsed } = measure(text, { limit, ellipsis: "…", ellipsisWidth: 1 });
    return ellipsed ? { width: width + 1, cut: text.slice(0, index) + "…" } : { width, cut: text };
  };
}

// `Math.max(...all)` fails on arrays of a hundred thousand.
function chunkedMax(numbers: number[]): [number] {
  return [numbers.reduce((a, b) => Math.max(a, b), 0)];
}
