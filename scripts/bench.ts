// deno task bench [--quick] [--only NAME,…] [--rounds N] [--keep]: this program beside others and
// beside itself, as ratios within a round. Prints a table; a full run is kept under
// scripts/bench_results, and with --keep a part. Linux only: processes are looked at through /proc.
import { paintFor } from "../src/view/style.ts";
import { batches } from "./bench/batches.ts";
import { Bench } from "./bench/bench.ts";
import { claims } from "./bench/claims.ts";
import { dashboard } from "./bench/dashboard.ts";
import { drains } from "./bench/drains.ts";
import { type Environment, environmentOf } from "./bench/environment.ts";
import { missingRow, type Row } from "./bench/figures.ts";
import { idle, memory } from "./bench/footprint.ts";
import { Ground } from "./bench/ground.ts";
import { held } from "./bench/held.ts";
import { hosts } from "./bench/hosts.ts";
import { latency } from "./bench/latency.ts";
import { postgres } from "./bench/postgres.ts";
import { redis } from "./bench/redis.ts";
import { queues } from "./bench/queues.ts";
import { resultText, tableOf } from "./bench/report.ts";
import { schedules } from "./bench/schedules.ts";
import { servers } from "./bench/servers.ts";
import { grown, startUp } from "./bench/start_up.ts";
import { throughput } from "./bench/throughput.ts";
import { workflows } from "./bench/workflows.ts";
import { longRun, shortRun } from "./bench/works.ts";
import { BadOption, numberOption, optionsOr2 } from "./options.ts";

/**
 * In the order of being measured: what makes many files comes last, since that is felt for a while.
 */
const MEASUREMENTS: Readonly<Record<string, (bench: Bench) => Promise<Row[]>>> = {
  "throughput": throughput,
  "long-run": longRun,
  "short-run": shortRun,
  "start-up": startUp,
  "latency": latency,
  "claims": claims,
  "idle": idle,
  "queues": queues,
  "workflows": workflows,
  "schedules": schedules,
  "batches": batches,
  "grown": grown,
  "dashboard": dashboard,
  "drains": drains,
  "held": held,
  "memory": memory,
  "postgres": postgres,
  "redis": redis,
  "servers": servers,
  "hosts": hosts,
};

const write = (stream: { writeSync(bytes: Uint8Array): number }, text: string) =>
  void stream.writeSync(new TextEncoder().encode(text));

let interrupted = false;

/**
 * @returns the exit code: 1 if something could not be measured; what is not reached is no failure
 */
async function main(options: Options): Promise<number> {
  const begin = performance.now();
  const say = (text: string) =>
    write(
      Deno.stderr,
      `${((performance.now() - begin) / 1000).toFixed(0).padStart(5)} s  ${text}\n`,
    );
  const ground = new Ground();
  // Whatever is awaited then fails, and nothing more is begun.
  Deno.addSignalListener("SIGINT", () => (interrupted = true, ground.killAll()));
  try {
    const environment = await environmentOf(ground);
    const bench = new Bench(ground, { ...options, say });
    const { rows, failures } = await measureAll(bench, options.only);
    if (interrupted) return 130;
    await show(rows, environment);
    if (options.keep || !options.quick && options.only === undefined) {
      const minutes = Math.round((performance.now() - begin) / 6000) / 10;
      say(`kept as scripts/bench_results/${keep(rows, environment, minutes, options)}`);
    }
    return failures > 0 ? 1 : 0;
  } finally {
    say("removing what was made");
    await ground.close();
  }
}

/** What can't be measured is a row that says why. */
async function measureAll(
  bench: Bench,
  only: readonly string[] | undefined,
): Promise<{ rows: Row[]; failures: number }> {
  const rows: Row[] = [];
  let failures = 0;
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (interrupted || only !== undefined && !only.includes(name)) continue;
    bench.say(name);
    try {
      rows.push(...await measure(bench));
    } catch (error) {
      failures++;
      const why = `failed: ${error instanceof Error ? error.message : error}`;
      rows.push(missingRow(name, "/s", why));
      bench.ground.killAll();
    }
  }
  return { rows, failures };
}

async function show(rows: readonly Row[], environment: Environment): Promise<void> {
  const style = {
    paint: paintFor({ isTerminal: Deno.stdout.isTerminal() }, (name) => Deno.env.get(name)),
    width: undefined,
  };
  const { cpu, cores, kernel, file_system, deno, commit, program } = environment;
  const head = `${program} at ${commit}, Deno ${deno}, ${cpu}, ${cores} cores, Linux ${kernel}, ` +
    file_system;
  write(Deno.stdout, `${head}\n\n${await tableOf(rows, style)}`);
}

/** @returns the name of the file */
function keep(
  rows: readonly Row[],
  environment: Environment,
  minutes: number,
  { quick, only }: Options,
): string {
  const date = new Date().toISOString();
  const parts = [
    date.slice(0, 10),
    ...(environment.program === "main.ts" ? [] : ["build"]),
    ...(only ?? []),
    // What depends on the file system is measured on several.
    environment.file_system.replaceAll(" ", "-"),
  ];
  const name = `${parts.join("-")}.json`;
  const head = { schema: 1, date, minutes, ...(quick && { quick }), environment };
  const folder = new URL("bench_results/", import.meta.url);
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(new URL(name, folder), resultText(head, rows));
  return name;
}

interface Options {
  readonly quick: boolean;
  readonly only: readonly string[] | undefined;
  readonly rounds: number | undefined;
  /** Whether the results are kept though they are not those of a full run. */
  readonly keep: boolean;
}

const OPTIONS = "--quick, --only NAME,…, --rounds N and --keep";

function parse(args: readonly string[]): Options {
  let options: Options = { quick: false, only: undefined, rounds: undefined, keep: false };
  for (let i = 0; i < args.length; i++) {
    const [name = "", glued] = args[i]!.split("=");
    const value = () => glued ?? args[++i];
    if (name === "--quick" && glued === undefined) options = { ...options, quick: true };
    else if (name === "--keep" && glued === undefined) options = { ...options, keep: true };
    else if (name === "--only") options = { ...options, only: (value() ?? "").split(",") };
    else if (name === "--rounds") {
      options = { ...options, rounds: numberOption(name, value(), { least: 1, whole: true }) };
    } else throw new BadOption(`Unknown option ${args[i]}: there are ${OPTIONS}`);
  }
  const unknown = options.only?.find((name) => !Object.hasOwn(MEASUREMENTS, name));
  if (unknown !== undefined) {
    const names = Object.keys(MEASUREMENTS).join(", ");
    throw new BadOption(
      `--only takes names, with commas between them, of ${names}; not "${unknown}"`,
    );
  }
  return options;
}

Deno.exit(await main(optionsOr2("bench", parse)));
