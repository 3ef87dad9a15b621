// Invalid command lines of the scripts.
import { assertEquals } from "@std/assert";
import { pathOfUrl } from "../../src/system/self.ts";

const TABLE: readonly [script: string, args: readonly string[], said: string][] = [
  [
    "torture",
    ["--speed"],
    "Unknown option --speed: there are --minutes N, --seed S, --store KIND and --keep",
  ],
  ["torture", ["--minutes", "0"], '--minutes takes a number above 0, not "0"'],
  ["torture", ["--minutes"], "--minutes takes a number above 0"],
  ["torture", ["--seed=1.5"], '--seed takes a whole number from 0, not "1.5"'],
  ["torture", ["--seed="], '--seed takes a whole number from 0, not ""'],
  [
    "bench",
    ["quick"],
    "Unknown option quick: there are --quick, --only NAME,…, --rounds N and --keep",
  ],
  ["bench", ["--rounds", "many"], '--rounds takes a whole number from 1, not "many"'],
  [
    "bench",
    ["--only", "idle,toString"],
    "--only takes names, with commas between them, of throughput, long-run, short-run, start-up, " +
    "latency, claims, idle, queues, workflows, schedules, batches, grown, dashboard, drains, held, " +
    'memory, postgres, redis, servers, hosts; not "toString"',
  ],
];

for (const [script, args, said] of TABLE) {
  Deno.test(`${script} ${args.join(" ")} ends with one line and exit code 2`, async () => {
    const path = pathOfUrl(new URL(`../../scripts/${script}.ts`, import.meta.url).href);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", path, ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([text(stderr), text(stdout), code], [`${script}: ${said}\n`, "", 2]);
  });
}
