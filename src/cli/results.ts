// Prints what a command did to several jobs.
import type { Results } from "../queue/operations.ts";
import { pluralize } from "../view/pluralize.ts";
import type { CommandContext } from "./command_context.ts";

/**
 * Prints one line for each job if ids were given, and only their number if there may be thousands.
 *
 * @returns the exit code
 */
export function showResults(
  call: CommandContext,
  what: string,
  several: boolean,
  { done, refused }: Results,
): number {
  call.print(
    several
      ? `${what} ${pluralize(done.length, "job")}\n`
      : done.map((id) => `${what} ${id}\n`).join(""),
  );
  return call.report(refused);
}
