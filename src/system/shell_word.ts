// Quoting for the POSIX shell.

/**
 * The text as one word for a shell, whatever it contains (except NUL, which no argument can
 * contain).
 */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
