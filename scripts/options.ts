// Options of the scripts that are called as tasks: `--name value` or `--name=value`. A wrong option
// ends the script with one line and exit code 2, as in the program itself.

/** An invalid command line; the message says what is valid. */
export class BadOption extends Error {}

/** Parses a number of at least `least`, and a whole number if `whole` is set. */
export function numberOption(
  name: string,
  text: string | undefined,
  { least, whole }: { least: number; whole: boolean },
): number {
  const value = Number(text);
  const isNumber = text !== undefined && text.trim() !== "" && Number.isFinite(value);
  if (isNumber && value >= least && (!whole || Number.isSafeInteger(value))) return value;
  const kind = whole ? `a whole number from ${least}` : "a number above 0";
  throw new BadOption(`${name} takes ${kind}${text === undefined ? "" : `, not "${text}"`}`);
}

/** The result of `parse`; if it throws a BadOption, the script ends. */
export function optionsOr2<T>(script: string, parse: (args: readonly string[]) => T): T {
  try {
    return parse(Deno.args);
  } catch (error) {
    if (!(error instanceof BadOption)) throw error;
    Deno.stderr.writeSync(new TextEncoder().encode(`${script}: ${error.message}\n`));
    Deno.exit(2);
  }
}
