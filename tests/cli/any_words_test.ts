// Random words on the command line, sensible or not: never a bug, and at most two lines of message.
import { assert } from "@std/assert";
import fc from "fast-check";
import { COMMANDS } from "../../src/cli/commands.ts";
import { World } from "../support/world.ts";

/** These start processes, wait for a person, or listen. */
const NOT_HERE = ["start", "stop", "worker", "status --watch", "serve"];

const commands = COMMANDS.map(({ name }) => name).filter((name) => !NOT_HERE.includes(name));
const flags = [...new Set(COMMANDS.flatMap((spec) => spec.flags.map(({ name }) => `--${name}`)))]
  .filter((flag) => flag !== "--watch" && flag !== "--follow");
const values = [
  "a",
  "none",
  "0",
  "1",
  "-1",
  "1h",
  "true",
  "dead",
  "command:*",
  "=",
  "--",
  "-",
  "",
  "\n",
  "日",
  "x".repeat(300),
];
const word = fc.oneof(
  fc.constantFrom(...flags),
  fc.constantFrom(...values),
  fc.tuple(fc.constantFrom(...flags), fc.constantFrom(...values)).map(([flag, value]) =>
    `${flag}=${value}`
  ),
  fc.string(),
);

Deno.test("run() ends any command line with 0, 1 or 2, and complains in at most two lines", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...commands),
      fc.array(word, { maxLength: 5 }),
      async (command, words) => {
        // Waiting for a job that nobody runs would take for ever.
        if (command === "job wait") {
          words = [
            "--timeout",
            "1s",
            ...words.filter((w) => !w.startsWith("--timeout")),
          ];
        }
        const world = new World();
        await world.enqueue("--job-id", "a", "true");
        const { code, err } = await world.run(...command.split(" "), ...words);
        assert([0, 1, 2].includes(code), `${code}`);
        assert(!err.includes("This is a bug"), err);
        if (code === 2) {
          assert(err.trimEnd().split("\n").length <= 2 && err.includes("--help"), err);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
