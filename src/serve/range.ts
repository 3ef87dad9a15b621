// The Range header of HTTP, as far as logs need it: one range of bytes. Pure.

/** From the first byte to before the last, of so many. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The bytes that are asked for; undefined if that is all of them, also where the header can't be
 * read, which may then be ignored; `outside` if there are none of those.
 */
export function spanOf(header: string | null, size: number): Span | undefined | "outside" {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "outside" : { from: size - length, to: size };
  }
  const from = Number(first);
  const to = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < from) return undefined;
  return from >= size ? "outside" : { from, to };
}
