// A worker in its own process, which tests kill. Its first argument names the journal, and the
// others are runs as JSON. It prints how each run ended.

import { ShellExecutor } from "../../src/exec/executor.ts";
import type { Run } from "../../src/exec/run.ts";

const [journal, ...runs] = Deno.args;
const shell = Deno.env.get("SHELL_KIND") === "sh" ? "sh" : "bash";
const executor = new ShellExecutor({ journal: journal!, shell });
const encoder = new TextEncoder();
for (const run of runs) {
  const ending = await executor.run(JSON.parse(run) as Run);
  Deno.stdout.writeSync(encoder.encode(JSON.stringify(ending) + "\n"));
}
await executor.close();
