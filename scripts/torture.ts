// deno task torture [--minutes N] [--seed S] [--keep]: the real program with real processes, and
// everything done to it that can happen: whatever is killed, stopped, damaged or called off, no job
// may be lost, and none may run twice at the same time. The seed gives the plan again; the timing
// is the machine's. Linux only: processes are found through /proc.
import { BadOption, numberOption, optionsOr2 } from "./options.ts";
import { torture } from "./torture/torture.ts";

const { minutes, seed, keep } = optionsOr2("torture", parse);
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
    const [name = "", glued] = args[i]!.split("=");
    const value = () => glued ?? args[++i];
    if (name === "--minutes") {
      minutes = numberOption(name, value(), { least: Number.MIN_VALUE, whole: false });
    } else if (name === "--seed") seed = numberOption(name, value(), { least: 0, whole: true });
    else if (name === "--keep" && glued === undefined) keep = true;
    else {
      throw new BadOption(
        `Unknown option ${args[i]}: there are --minutes N, --seed S and --keep`,
      );
    }
  }
  return { minutes, seed, keep };
}
