// Measures what the command line parser adds to each start, by `deno run -A scripts/parser_cost.ts
// [ROUNDS]`: our own, compared with @stricli/core with the same table of commands and lazy
// implementations. Starts are measured alternately; what counts is the difference to an empty
// program on the same machine.
const COMMANDS = new URL("../src/cli/commands.ts", import.meta.url).href;
const PARSE = new URL("../src/cli/grammar/parse.ts", import.meta.url).href;
const ARGS = [
  "enqueue",
  "--priority",
  "3",
  "--max-retries",
  "1",
  "--env",
  "A=b",
  "--timeout",
  "5m",
  "true",
];

// As texts, since the package is not a dependency of the project. Neither program prints anything,
// since that costs both the same.
const PROGRAMS: Readonly<Record<string, string>> = {
  "an empty program": "",
  "the table of commands":
    `import { COMMANDS } from "${COMMANDS}"; if (COMMANDS.length === 0) Deno.exit(1);`,
  "and our own parser": `
    import { COMMANDS } from "${COMMANDS}";
    import { parse } from "${PARSE}";
    const spec = COMMANDS.find(({ name }) => name === Deno.args[0]);
    if (parse(spec, Deno.args.slice(1)).flags.number("priority") !== 3) Deno.exit(1);`,
  "and @stricli/core": `
    import { buildApplication, buildCommand, buildRouteMap, numberParser, run } from "npm:@stricli/core@1.3.0";
    import { COMMANDS } from "${COMMANDS}";
    const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    const flagOf = ({ kind, about, name }) => kind === "switch"
      ? { kind: "boolean", brief: about, optional: true, withNegated: false }
      : { kind: "parsed", parse: kind === "text" ? String : kind === "whole" ? numberParser : String, brief: about,
          optional: true, ...(name === "env" ? { variadic: true } : {}) };
    const commandOf = (spec) => buildCommand({
      loader: async () => ({ default: (flags) => void (flags.priority === 3 || Deno.exit(1)) }),
      parameters: {
        flags: Object.fromEntries(spec.flags.map((flag) => [camel(flag.name), flagOf(flag)])),
        positional: { kind: "array", parameter: { parse: String, brief: "argument" } },
      },
      docs: { brief: spec.summary },
    });
    const routes = {};
    for (const spec of COMMANDS) {
      const [one, two] = spec.name.split(" ");
      if (two === undefined) routes[one] = commandOf(spec);
      else (routes[one] ??= {})[two] = commandOf(spec);
    }
    for (const [name, route] of Object.entries(routes)) {
      if ("loader" in route) continue;
      routes[name] = buildRouteMap({ routes: route, docs: { brief: name } });
    }
    const app = buildApplication(buildRouteMap({ routes, docs: { brief: "queuectl" } }), {
      name: "queuectl",
      scanner: { caseStyle: "allow-kebab-for-camel" },
    });
    await run(app, Deno.args, { process: { stdout: { write() {} }, stderr: { write() {} } } });`,
};

const print = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(text));

async function start(file: string): Promise<number> {
  const begin = performance.now();
  const args = ["run", "--no-lock", "--no-config", "--allow-env", file, ...ARGS];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "null" })
    .output();
  if (code !== 0) {
    throw new Error(`${file} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
  }
  return performance.now() - begin;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const rounds = Number(Deno.args[0] ?? 40);
const folder = Deno.makeTempDirSync({ prefix: "queuectl-parsers-" });
try {
  const programs = Object.entries(PROGRAMS).map(([name, text], i) => {
    const file = `${folder}/${i}.js`;
    Deno.writeTextFileSync(file, text);
    return { name, file, times: [] as number[] };
  });
  // The first round fills the caches.
  for (let round = -1; round < rounds; round++) {
    for (const { file, times } of programs) {
      const time = await start(file);
      if (round >= 0) times.push(time);
    }
  }
  const empty = programs[0]!.times;
  print(`ms, ${rounds} starts each        minimum  median   median over the empty program\n`);
  for (const { name, times } of programs) {
    const figures = [Math.min(...times), median(times), median(times) - median(empty)];
    print(
      `${name.padEnd(28)} ${figures.map((figure) => figure.toFixed(1).padStart(7)).join("  ")}\n`,
    );
  }
} finally {
  Deno.removeSync(folder, { recursive: true });
}
