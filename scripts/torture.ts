// deno task torture [--minutes N] [--seed S] [--keep]: the real program with real processes, and
// everything done to it that can happen: whatever is killed, stopped, damaged or called off, no job
// may be lost, and none may run twice at the same time. The seed gives the plan again; the timing
// is the machine's. Linux only: processes are found through /proc.
import { torture } from "./torture/torture.ts";

const { minutes, seed, keep } = parse(Deno.args);
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => interrupt.abort());
}
const result = await torture({ minutes, seed, keep, interrupt: interrupt.signal });
if (interrupt.signal.aborted) Deno.exit(130);
Deno.stdout.writeSync(new TextEncoder().encode(result.report));
Deno.exit(result.problems.length === 0 ? 0 : 1);

function parse(args: readonly string[]): { minutes: number; seed: number; keep: boolean } {
  let [minutes, seed, keep] = [1, Math.floor(Math.random() * 1e9), false];
  for (let i = 0; i < args.length; i++) {
    const [name, glued] = args[i]!.split("=");
    const value = () => Number(glued ?? args[++i]);
    if (name === "--minutes") minutes = value();
    else if (name === "--seed") seed = value();
    else if (name === "--keep") keep = true;
    else {throw new Error(
        `Unknown option ${args[i]}: torture takes --minutes N, --seed S and --keep`,
      );}
  }
  if (!(minutes > 0) || !Number.isInteger(seed)) {
    throw new Error("--minutes and --seed take numbers");
  }
  return { minutes, seed, keep };
}
