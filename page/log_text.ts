// Splits the output of one attempt into lines as its bytes arrive, including the line that is still
// being written. Does not know where the bytes come from.
import { type Look, type ReadLine, readLine, textOf, USUAL } from "./ansi.ts";

export interface Line extends Pick<ReadLine, "runs"> {
  /** As it came. */
  readonly raw: string;
}

/** Lines that are rendered together. */
export interface Block {
  /** The index of its first line. */
  readonly first: number;
  readonly lines: readonly Line[];
}

/** Lines of a block; only the last one has fewer. */
export const BLOCK = 200;
/** Longer lines are split. */
const LONGEST = 8192;

export class LogText {
  /** The offset in bytes at which this text begins in the output. */
  readonly from: number;
  /** The offset at which it ends. */
  to: number;
  readonly #decoder = new TextDecoder();
  readonly #blocks: { first: number; lines: Line[] }[] = [];
  #count = 0;
  /** The look with which the unfinished line begins. */
  #look: Look = USUAL;
  #open = "";
  /** The last search, and its matches in full blocks. */
  #search: { wanted: string; blocks: number; found: number[] } = {
    wanted: "",
    blocks: 0,
    found: [],
  };

  /** @param from the offset of the first bytes, which is the beginning of a line */
  constructor(from = 0) {
    this.from = from;
    this.to = from;
  }

  /** Adds the next bytes. */
  append(bytes: Uint8Array): void {
    this.to += bytes.length;
    const pieces = (this.#open + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#open = pieces.pop()!;
    for (const piece of pieces) this.#addLong(piece);
    // A progress bar may redraw one line for hours; what was overwritten is dropped.
    if (this.#open.length > LONGEST && this.#open.includes("\r")) {
      this.#open = this.#open.slice(this.#open.lastIndexOf("\r", this.#open.length - 2) + 1);
    }
    while (this.#open.length > LONGEST) {
      this.#add(this.#open.slice(0, LONGEST));
      this.#open = this.#open.slice(LONGEST);
    }
  }

  /** The number of lines, including the unfinished one. */
  get count(): number {
    return this.#count + (this.#open === "" ? 0 : 1);
  }

  /** All lines. A block that is full stays the same object. */
  blocks(): Block[] {
    const blocks: Block[] = this.#blocks.map((block) => block);
    const last = this.#blocks.at(-1);
    const open = this.#open === ""
      ? []
      : [{ raw: this.#open, runs: readLine(this.#open, this.#look).runs }];
    if (last !== undefined && last.lines.length < BLOCK) {
      blocks[blocks.length - 1] = { first: last.first, lines: [...last.lines, ...open] };
    } else if (open.length > 0) {
      blocks.push({ first: this.#count, lines: open });
    }
    return blocks;
  }

  /** The indexes of the lines that contain a text, ignoring case. */
  find(text: string): number[] {
    const wanted = text.toLowerCase();
    if (wanted === "") return [];
    if (this.#search.wanted !== wanted) this.#search = { wanted, blocks: 0, found: [] };
    const search = this.#search;
    const rest: number[] = [];
    for (const block of this.blocks().slice(search.blocks)) {
      const isFull = block === this.#blocks[search.blocks] && block.lines.length === BLOCK;
      if (isFull) search.blocks++;
      (isFull ? search.found : rest).push(...placesIn(block, wanted));
    }
    return [...search.found, ...rest];
  }

  #addLong(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += LONGEST) {
      this.#add(line.slice(at, at + LONGEST));
    }
  }

  #add(raw: string): void {
    const { runs, look } = readLine(raw, this.#look);
    this.#look = look;
    let block = this.#blocks.at(-1);
    if (block === undefined || block.lines.length >= BLOCK) {
      block = { first: this.#count, lines: [] };
      this.#blocks.push(block);
    }
    block.lines.push({ raw, runs });
    this.#count++;
  }
}

function placesIn({ first, lines }: Block, wanted: string): number[] {
  return lines.flatMap(({ runs }, i) =>
    textOf(runs).toLowerCase().includes(wanted) ? [first + i] : []
  );
}

/** The bytes from the first complete line on; all of them if there is none. */
export function fromLineStart(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0x0a);
  return end < 0 || end === bytes.length - 1 ? bytes : bytes.subarray(end + 1);
}

/** The bytes of the last `most` lines, or all of them. A line at the end may be unfinished. */
export function lastLines(bytes: Uint8Array, most: number): Uint8Array {
  let at = bytes.length;
  if (bytes[at - 1] === 0x0a) at--;
  for (let lines = 0; lines < most; lines++) {
    if (at <= 0) return bytes;
    at = bytes.lastIndexOf(0x0a, at - 1);
    if (at < 0) return bytes;
  }
  return bytes.subarray(at + 1);
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** `812 bytes`, `3.4 kB`, `120 MB`. */
export function sizeText(bytes: number): string {
  let [size, unit] = [bytes, 0];
  for (; size >= 999.5 && unit < UNITS.length - 1; unit++) size /= 1000;
  const text = unit === 0 || size >= 99.5
    ? String(Math.round(size))
    : String(Number(size.toPrecision(2)));
  return `${text} ${unit === 0 && bytes === 1 ? "byte" : UNITS[unit]}`;
}
