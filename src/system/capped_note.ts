// What the log of an attempt says at its end where the rest of the output was dropped.

/** @param bytes how many are kept; or a text that stands for the number */
export function cappedNote(bytes: number | string): string {
  return `[queuectl: log capped at ${bytes} bytes; the rest was dropped]`;
}
