// The style of tables on stdout: coloured and cut to the width of a terminal, plain and whole in a
// pipe.
import { paintFor } from "../view/style.ts";
import type { TableStyle } from "../view/table.ts";
import type { Context } from "./context.ts";

export function tableStyle({ stdout, env }: Context): TableStyle {
  return { paint: paintFor(stdout, env), width: stdout.isTerminal ? stdout.columns : undefined };
}
