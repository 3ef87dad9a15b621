// Highlights matches in the output without changing the document (CSS custom highlights). In a
// browser without them the search still goes to each match.
import { lineAt } from "./log_lines.tsx";

/** At most so many lines are highlighted, around the current match. */
const MOST = 400;

/** @param found indexes of lines @param current one of them */
export function highlight(
  panel: HTMLElement,
  text: string,
  found: readonly number[],
  current: number | undefined,
): void {
  if (typeof Highlight === "undefined") return;
  CSS.highlights.delete("found");
  CSS.highlights.delete("current");
  if (text === "" || current === undefined) return;
  const middle = found.indexOf(current);
  const near = found.slice(Math.max(0, middle - MOST / 2), middle + MOST / 2);
  const others: Range[] = [];
  for (const line of near) {
    const ranges = rangesIn(lineAt(panel, line), text.toLowerCase());
    if (line === current) CSS.highlights.set("current", new Highlight(...ranges));
    else others.push(...ranges);
  }
  CSS.highlights.set("found", new Highlight(...others));
}

function rangesIn(line: Element | undefined, text: string): Range[] {
  if (line === undefined) return [];
  const pieces: { node: Node; from: number; to: number }[] = [];
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let whole = "";
  for (let node; (node = walker.nextNode()) !== null;) {
    const from = whole.length;
    whole += node.nodeValue?.toLowerCase() ?? "";
    pieces.push({ node, from, to: whole.length });
  }
  const ranges: Range[] = [];
  for (let at = -1; (at = whole.indexOf(text, at + 1)) >= 0;) {
    const [start, end] = [at, at + text.length];
    const first = pieces.find(({ to }) => start < to);
    const last = pieces.find(({ to }) => end <= to);
    if (first === undefined || last === undefined) break;
    const range = new Range();
    range.setStart(first.node, start - first.from);
    range.setEnd(last.node, end - last.from);
    ranges.push(range);
  }
  return ranges;
}
