// Lines of a file that comes in chunks of bytes, numbered from 1.

export interface Line {
  readonly number: number;
  /** Without its newline; undefined if it is not UTF-8. */
  readonly text: string | undefined;
}

const LF = 10;

/** The lines in `chunks`; the last one need not end in a newline. */
export function* linesOf(chunks: Iterable<Uint8Array>): Iterable<Line> {
  let number = 0;
  let begun: Uint8Array = new Uint8Array(); // the start of a line that ends in a later chunk
  for (const chunk of chunks) {
    const end = chunk.lastIndexOf(LF) + 1;
    if (end === 0) {
      begun = joined(begun, chunk);
      continue;
    }
    for (const text of decoded(joined(begun, chunk.subarray(0, end - 1)))) {
      yield { number: ++number, text };
    }
    begun = chunk.slice(end);
  }
  if (begun.length > 0) { for (const text of decoded(begun)) yield { number: ++number, text }; }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

// Decoding a million lines one by one takes a second; all at once takes a tenth of that. So lines
// are decoded one by one only to find the one that is wrong.
function* decoded(bytes: Uint8Array): Iterable<string | undefined> {
  // Bounded, since the whole standard input may come as one chunk.
  const most = 1 << 20;
  let from = 0;
  while (from <= bytes.length) {
    let to = bytes.length;
    if (to - from > most) {
      const cut = bytes.indexOf(LF, from + most);
      if (cut !== -1) to = cut;
    }
    const part = bytes.subarray(from, to);
    const text = textOf(part);
    if (text !== undefined) yield* text.split("\n");
    else yield* eachDecoded(part);
    from = to + 1;
  }
}

function* eachDecoded(bytes: Uint8Array): Iterable<string | undefined> {
  for (let from = 0; from <= bytes.length;) {
    const lf = bytes.indexOf(LF, from);
    const to = lf === -1 ? bytes.length : lf;
    yield textOf(bytes.subarray(from, to));
    from = to + 1;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
