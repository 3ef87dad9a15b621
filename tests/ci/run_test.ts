// .ci/run with an npx that prints what deno prints.
import { assertEquals } from "@std/assert";
import { pathOfUrl } from "../../src/system/self.ts";
import { withTempDir } from "../support/temp_dir.ts";

const SCRIPT = pathOfUrl(new URL("../../.ci/run", import.meta.url).href);
const ignore = Deno.build.os === "windows";

interface Case {
  readonly check?: number;
  readonly test: number;
  readonly says: string;
  readonly last: string;
  readonly code: number;
}

const CASES: Record<string, Case> = {
  "counts what passed": {
    test: 0,
    says: "ok | 12 passed | 0 failed (3s)",
    last: "12 passed, 0 failed",
    code: 0,
  },
  "adds several runs up, with steps and ignored ones": {
    test: 0,
    says:
      "ok | 12 passed (3 steps) | 0 failed | 1 ignored (3s)\nx\nok | 5 passed | 0 failed (1m2s)",
    last: "17 passed, 0 failed",
    code: 0,
  },
  "counts what failed": {
    test: 1,
    says:
      "\x1b[0m\x1b[31mFAILED\x1b[0m | 14 passed | 2 failed \x1b[0m\x1b[38;5;245m(134ms)\x1b[0m\n\nerror: Test failed",
    last: "14 passed, 2 failed",
    code: 1,
  },
  "fails when a module can't be loaded": {
    test: 1,
    says: "error: Type checking failed.",
    last: "0 passed, 1 failed",
    code: 1,
  },
  "fails when deno fails although each test passed": {
    test: 1,
    says: "ok | 3 passed | 0 failed (1s)",
    last: "3 passed, 1 failed",
    code: 1,
  },
  "fails when no test was run": { test: 0, says: "nothing", last: "0 passed, 1 failed", code: 1 },
  "counts a failed check": {
    check: 1,
    test: 0,
    says: "ok | 3 passed | 0 failed (1s)",
    last: "3 passed, 1 failed",
    code: 1,
  },
};

for (const [name, { check = 0, test, says, last, code }] of Object.entries(CASES)) {
  Deno.test({
    name: `.ci/run ${name}`,
    ignore,
    fn: () =>
      withTempDir(async (dir) => {
        await Deno.writeTextFile(`${dir}/said`, `${says}\n`);
        await Deno.writeTextFile(
          `${dir}/npx`,
          `#!/bin/sh\n[ "$1 $2 $3" = "-y deno@2.9.6 task" ] || exit 9\n` +
            `case $4 in check) exit ${check} ;; test) cat "${dir}/said"; exit ${test} ;; *) exit 9 ;; esac\n`,
          { mode: 0o755 },
        );
        const output = await new Deno.Command("bash", {
          args: [SCRIPT],
          cwd: "/",
          env: { PATH: `${dir}:${Deno.env.get("PATH")}` },
        }).output();
        const lines = new TextDecoder().decode(output.stdout).trimEnd().split("\n");
        assertEquals([lines.at(-1), output.code], [last, code]);
      }),
  });
}
