// A worker in a process of its own, to be killed: runs the runs that its arguments hold as JSON,
// the first of which names the journal, and prints how each ended.

import { ShellExecutor } from "../../src/exec/executor.ts";
import type { Run } from "../../src/exec/run.ts";

const [journal, ...runs] = Deno.args;
const shell = Deno.env.get("SHELL_KIND") === "sh" ? "sh" : "bash";
const deadline = Deno.env.get("DEADLINE");
const executor = new ShellExecutor({ journal: journal!, shell, deadline });
const encoder = new TextEncoder();
for (const run of runs) {
  const ending = await executor.run(JSON.parse(run) as Run);
  Deno.stdout.writeSync(encoder.encode(JSON.stringify(ending) + "\n"));
}
await executor.close();
