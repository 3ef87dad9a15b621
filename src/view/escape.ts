// Makes any text safe to show: nothing in it may move the cursor, ring the bell, or change the
// terminal.

// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const UNSAFE_BUT_LINES =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * The text on one line. Control characters become their symbols (␊, ␛), or `\x9b` or `\u202e` if
 * they have none.
 */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, picture);
}

/** Like `oneLine`, but line breaks and tabs stay. */
export function severalLines(text: string): string {
  return text.replace(UNSAFE_BUT_LINES, picture);
}

function picture(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "␡";
  return code < 0x100 ? `\\x${code.toString(16)}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
