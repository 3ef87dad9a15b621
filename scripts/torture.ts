// deno task torture [--minutes N] [--seed S] [--store folder|postgres|redis] [--keep]: the real
// program with real processes, and everything done to it that can happen: whatever is killed, stopped, damaged or called off, no job
// may be lost, and none may run twice at the same time. The seed gives the plan again; the timing
// is the machine's. Linux only: processes are found through /proc.
import { BadOption, numberOption, optionsOr2 } from "./options.ts";
import { torture } from "./torture/torture.ts";

const { minutes, seed, keep, store } = optionsOr2("torture", parse);
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => interrupt.abort());
}
const { tortureHosts } = await import("./torture/hosts/torture_hosts.ts");
const options = {
  minutes,
  seed,
  keep,
  interrupt: interrupt.signal,
};
const result = await (store === "folder" ? torture(options) : tortureHosts(store, options));
if (interrupt.signal.aborted) Deno.exit(130);
Deno.stdout.writeSync(new TextEncoder().encode(result.report));
Deno.exit(result.problems.length === 0 ? 0 : 1);

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly keep: boolean;
  /** On a server it is done to two hosts that share it. */
  readonly store: string;
}

function parse(args: readonly string[]): Options {
  let [minutes, seed, keep, store] = [1, Math.floor(Math.random() * 1e9), false, "folder"];
  for (let i = 0; i < args.length; i++) {
    const [name = "", glued] = args[i]!.split("=");
    const value = () => glued ?? args[++i];
    if (name === "--minutes") {
      minutes = numberOption(name, value(), { least: Number.MIN_VALUE, whole: false });
    } else if (name === "--seed") seed = numberOption(name, value(), { least: 0, whole: true });
    else if (name === "--store") {
      store = value() ?? "";
      if (!["folder", "postgres", "redis"].includes(store)) {
        throw new BadOption(`--store takes folder, postgres or redis, not "${store}"`);
      }
    } else if (name === "--keep" && glued === undefined) keep = true;
    else {
      throw new BadOption(
        `Unknown option ${args[i]}: there are --minutes N, --seed S, --store KIND and --keep`,
      );
    }
  }
  return { minutes, seed, keep, store };
}
