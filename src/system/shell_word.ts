// Text as a word of the POSIX shell.

/** The text as one word of shell, whatever it holds (but for NUL, which no argument can hold). */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
