// Turns a line of output into runs of text with CSS classes for its colours and weights (SGR). All
// other control sequences are dropped. Whatever the output contains, the result is plain text.
// Pure.

/** How text looks; what is not set has its default. Colours: 0 to 15. */
export interface Look {
  readonly fg?: number | undefined;
  readonly bg?: number | undefined;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
  readonly inverse?: boolean;
}

export interface Run {
  readonly text: string;
  /** Separated by spaces; empty for default text. */
  readonly classes: string;
}

export interface ReadLine {
  readonly runs: readonly Run[];
  /** The look with which the next line begins. */
  readonly look: Look;
}

export const USUAL: Look = {};

const ESCAPES = new RegExp(
  [
    "\\x1b\\[([0-9:;<=>?]*)[ -/]*([@-~])", // CSI, of which `m` is a look
    "\\x1b[\\]PX^_][^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?", // titles, links and the like
    "\\x1b[ -/]*[0-~]?", // others
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]", // what does not show
  ].join("|"),
  "g",
);

/**
 * Reads one line, without its line break. Of a line that was redrawn (progress bars) what was to be
 * seen at the end.
 */
export function readLine(line: string, before: Look = USUAL): ReadLine {
  let look = before;
  const text = line.replace(/\r+$/, "");
  const drawn = text.lastIndexOf("\r") + 1;
  const runs: Run[] = [];
  const add = (from: number, to: number) => {
    if (to <= Math.max(from, drawn)) return;
    const piece = text.slice(Math.max(from, drawn), to);
    const classes = classesOf(look);
    const last = runs.at(-1);
    if (last?.classes === classes) runs[runs.length - 1] = { text: last.text + piece, classes };
    else runs.push({ text: piece, classes });
  };
  let at = 0;
  for (const match of text.matchAll(ESCAPES)) {
    add(at, match.index);
    at = match.index + match[0].length;
    if (match[2] === "m") look = changed(look, match[1] ?? "");
  }
  add(at, text.length);
  return { runs, look };
}

/** The text of a line, as it is searched. */
export function textOf(runs: readonly Run[]): string {
  return runs.map(({ text }) => text).join("");
}

export function classesOf(look: Look): string {
  const [fg, bg] = look.inverse ? [look.bg ?? "bg", look.fg ?? "fg"] : [look.fg, look.bg];
  const classes: string[] = [];
  if (fg !== undefined) classes.push(`fg-${fg}`);
  if (bg !== undefined) classes.push(`bg-${bg}`);
  for (const name of ["bold", "dim", "italic", "underline", "strike"] as const) {
    if (look[name]) classes.push(name);
  }
  return classes.join(" ");
}

/** The look after one SGR sequence. */
function changed(look: Look, numbers: string): Look {
  // Private sequences, such as `ESC[>4m`, do not change the look.
  if (/[<=>?]/.test(numbers)) return look;
  let now: Look = look;
  const codes = numbers.split(";");
  for (let i = 0; i < codes.length; i++) {
    const [code = 0, ...parts] = codes[i]!.split(":").map(Number);
    if (code === 38 || code === 48 || code === 58) {
      // `38:5:n` and `38:2::r:g:b` are one number, `38;5;n` and `38;2;r;g;b` several.
      const isOne = parts.length > 0;
      const rest = isOne ? parts : codes.slice(i + 1).map(Number);
      const [colour, used] = colourIn(
        isOne && rest[0] === 2 && rest.length > 4 ? [2, ...rest.slice(-3)] : rest,
      );
      if (!isOne) i += used;
      if (colour !== undefined && code === 38) now = { ...now, fg: colour };
      if (colour !== undefined && code === 48) now = { ...now, bg: colour };
      continue;
    }
    now = after(now, code, parts[0]);
  }
  return now;
}

function after(look: Look, code: number, part: number | undefined): Look {
  if (code >= 30 && code <= 37) return { ...look, fg: code - 30 };
  if (code >= 90 && code <= 97) return { ...look, fg: code - 82 };
  if (code >= 40 && code <= 47) return { ...look, bg: code - 40 };
  if (code >= 100 && code <= 107) return { ...look, bg: code - 92 };
  switch (code) {
    case 0:
      return USUAL;
    case 1:
      return { ...look, bold: true };
    case 2:
      return { ...look, dim: true };
    case 3:
      return { ...look, italic: true };
    case 4:
      return { ...look, underline: part !== 0 };
    case 7:
      return { ...look, inverse: true };
    case 9:
      return { ...look, strike: true };
    case 21:
      return { ...look, underline: true };
    case 22:
      return { ...look, bold: false, dim: false };
    case 23:
      return { ...look, italic: false };
    case 24:
      return { ...look, underline: false };
    case 27:
      return { ...look, inverse: false };
    case 29:
      return { ...look, strike: false };
    case 39:
      return { ...look, fg: undefined };
    case 49:
      return { ...look, bg: undefined };
    default:
      return look;
  }
}

/** The colour that `5;n` or `2;r;g;b` names, as one of 16, and how many numbers that took. */
function colourIn(numbers: readonly number[]): [number | undefined, number] {
  const [kind, a = 0, b = 0, c = 0] = numbers;
  if (kind === 5) return [a > 255 ? undefined : oneOf16(a), 2];
  if (kind === 2) return [nearest(a, b, c), 4];
  return [undefined, numbers.length];
}

/** A colour of the 256 that terminals have, as one of the first 16. */
function oneOf16(n: number): number {
  if (n < 16) return n;
  if (n >= 232) {
    const grey = 8 + (n - 232) * 10;
    return nearest(grey, grey, grey);
  }
  const level = (x: number) => x === 0 ? 0 : 55 + x * 40;
  const cube = n - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/** The colours of xterm; others become the nearest of these. */
const PALETTE: readonly (readonly [number, number, number])[] = [
  [0, 0, 0],
  [205, 0, 0],
  [0, 205, 0],
  [205, 205, 0],
  [0, 0, 238],
  [205, 0, 205],
  [0, 205, 205],
  [229, 229, 229],
  [127, 127, 127],
  [255, 0, 0],
  [0, 255, 0],
  [255, 255, 0],
  [92, 92, 255],
  [255, 0, 255],
  [0, 255, 255],
  [255, 255, 255],
];

function nearest(r: number, g: number, b: number): number {
  let [best, least] = [0, Infinity];
  for (const [i, [x, y, z]] of PALETTE.entries()) {
    const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}
