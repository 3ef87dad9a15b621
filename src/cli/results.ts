// What became of several jobs, as a command tells it.
import type { Results } from "../queue/operations.ts";
import { pluralize } from "../view/pluralize.ts";
import type { CommandContext } from "./command_context.ts";

/**
 * One id a line where ids were given, a number where there may be thousands.
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
