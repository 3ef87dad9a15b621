// Turns a terminal's text into an SVG picture, light or dark like the reader's system. Pure.

const COLUMNS = 92;
const CELL = { width: 8.4, height: 20 };
const PADDING = 20;
const BAR = 34;

/** For each class of text, its colour on a light and on a dark background. */
const PALETTE: Readonly<Record<string, readonly [string, string]>> = {
  text: ["#24292f", "#d0d7de"],
  red: ["#b3261e", "#ff8078"],
  green: ["#1a7f37", "#56d364"],
  yellow: ["#8a5a00", "#e3b341"],
  magenta: ["#8250df", "#d2a8ff"],
  cyan: ["#05717b", "#56c8d8"],
  dim: ["#6e7781", "#8b949e"],
};
const GROUND = { panel: ["#f6f8fa", "#161b22"], line: ["#d0d7de", "#30363d"] } as const;

const COLOURS: Readonly<Record<number, string>> = {
  31: "red",
  32: "green",
  33: "yellow",
  35: "magenta",
  36: "cyan",
};

interface Span {
  readonly column: number;
  readonly text: string;
  readonly classes: string;
}

/** @param ansi lines of text with the escape sequences that `src/view/style.ts` writes */
export function terminalSvg(ansi: string): string {
  const lines = ansi.replace(/\n$/, "").split("\n").map(spansOf);
  const width = Math.ceil(COLUMNS * CELL.width + 2 * PADDING);
  const height = BAR + lines.length * CELL.height + 2 * PADDING;
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  const label = 'role="img" aria-label="A terminal session with queuectl"';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${label}>
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
${rules(0)}
@media (prefers-color-scheme: dark) {
${rules(1)}
}
.bold { font-weight: bold; }
</style>
<rect class="panel" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${[0, 1, 2].map((n) => `<circle class="button" cx="${20 + 18 * n}" cy="18" r="5.5"/>`).join("\n")}
${lines.map(line).filter((text) => text !== "").join("\n")}
</svg>
`;
}

function rules(ground: 0 | 1): string {
  return [
    `.panel { fill: ${GROUND.panel[ground]}; stroke: ${GROUND.line[ground]}; }`,
    `.button { fill: ${GROUND.line[ground]}; }`,
    ...Object.entries(PALETTE).map(([name, colours]) => `.${name} { fill: ${colours[ground]}; }`),
  ].join("\n");
}

/** Each span has a position and a length, so that columns are aligned with any font. */
function line(spans: readonly Span[], row: number): string {
  const y = BAR + PADDING + row * CELL.height + 5;
  return spans.map(({ column, text, classes }) => {
    const x = fixed(PADDING + column * CELL.width);
    const length = fixed(text.length * CELL.width);
    return `<text class="${classes}" x="${x}" y="${y}" textLength="${length}">${
      escape(text)
    }</text>`;
  }).join("\n");
}

/** The parts of a line with one style, without the blanks around them. */
function spansOf(ansi: string): Span[] {
  const spans: Span[] = [];
  let colour = "text";
  let isBold = false;
  let column = 0;
  // Each part after an escape character begins with the code.
  for (const [n, piece] of ansi.split("\x1b").entries()) {
    const [sequence, code] = n === 0 ? [""] : /^\[(\d+)m/.exec(piece) ?? [""];
    if (code === "1") isBold = true;
    else if (code === "2") colour = "dim";
    else if (code === "22") isBold = false, colour = "text";
    else if (code !== undefined) colour = COLOURS[Number(code)] ?? "text";
    const classes = `${colour}${isBold ? " bold" : ""}`;
    const whole = piece.slice(sequence.length);
    // Not every renderer keeps several blanks, so the words between them get their own positions.
    for (const { 0: text, index } of whole.matchAll(/\S+(?: \S+)*/g)) {
      spans.push({ column: column + index, text, classes });
    }
    column += whole.length;
  }
  return spans;
}

function fixed(n: number): string {
  return String(Number(n.toFixed(1)));
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The lines of text in a picture that `terminalSvg` made. */
export function textOfSvg(svg: string): string[] {
  const rows = new Map<string, string>();
  for (const [, x, y, text] of svg.matchAll(/<text [^>]*x="([\d.]+)" y="(\d+)"[^>]*>([^<]*)</g)) {
    const column = Math.round((Number(x) - PADDING) / CELL.width);
    rows.set(y!, (rows.get(y!) ?? "").padEnd(column) + unescape(text!));
  }
  return [...rows.values()];
}

function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
