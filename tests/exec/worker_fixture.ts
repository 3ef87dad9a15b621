// A worker in a process of its own, to be killed: runs the runs that its arguments hold as JSON,
// the first of which names the journal, and prints how each ended.

import { ShellExecutor } from "../../src/exec/executor.ts";
import type { Run } from "../../src/exec/run.ts";

const [journal, ...runs] = Deno.args;
const executor = new ShellExecutor({ journal: journal! });
for (const run of runs) console.log(JSON.stringify(await executor.run(JSON.parse(run) as Run)));
await executor.close();
