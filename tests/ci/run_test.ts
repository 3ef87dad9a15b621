// .ci/run with an npx that prints what deno prints.
import { assertEquals } from "@std/assert";
import { pathOfUrl } from "../../src/system/self.ts";
import { needing } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";

const SCRIPT = pathOfUrl(new URL("../../.ci/run", import.meta.url).href);

interface Case {
  readonly check?: number;
  readonly demo?: number;
  readonly test: number;
  readonly says: string;
  /** What is said when files are named, which then were skipped before. */
  readonly saysOfFiles?: string;
  readonly last: string;
  readonly code: number;
}

/** So many tests pass besides. */
const INTERLEAVINGS = 100;

const CASES: Record<string, Case> = {
  "counts what passed, and the demo": {
    test: 0,
    says: "ok | 12 passed | 0 failed (3s)",
    last: "113 passed, 0 failed",
    code: 0,
  },
  "adds several runs up, with steps and ignored ones": {
    test: 0,
    says: `ok | 12 passed (3 steps) | 0 failed | 1 ignored (3s)
x
ok | 5 passed | 0 failed (1m2s)`,
    last: "118 passed, 0 failed",
    code: 0,
  },
  "counts what failed": {
    test: 1,
    says:
      "\x1b[0m\x1b[31mFAILED\x1b[0m | 14 passed | 2 failed \x1b[0m\x1b[38;5;245m(134ms)\x1b[0m" +
      "\n\nerror: Test failed",
    last: "115 passed, 2 failed",
    code: 1,
  },
  "fails when a module can't be loaded": {
    test: 1,
    says: "error: Type checking failed.",
    last: "101 passed, 1 failed",
    code: 1,
  },
  "fails when deno fails although each test passed": {
    test: 1,
    says: "ok | 3 passed | 0 failed (1s)",
    last: "104 passed, 1 failed",
    code: 1,
  },
  "fails when no test was run": { test: 0, says: "nothing", last: "101 passed, 1 failed", code: 1 },
  "counts a failed check": {
    check: 1,
    test: 0,
    says: "ok | 3 passed | 0 failed (1s)",
    last: "104 passed, 1 failed",
    code: 1,
  },
  "counts a failed demo": {
    demo: 1,
    test: 0,
    says: "ok | 3 passed | 0 failed (1s)",
    last: "103 passed, 1 failed",
    code: 1,
  },
  "runs the files that skipped a test for a missing program with the whole PATH": {
    test: 0,
    says: `running 2 tests from ./tests/a_test.ts
one ... ok (1ms)
two (skipped: no rare-program here) ... ignored (0ms)
running 1 test from ./tests/b_test.ts
three ... ignored (0ms)
ok | 1 passed | 0 failed | 2 ignored (1s)`,
    saysOfFiles: "ok | 20 passed | 0 failed (1s)",
    last: "122 passed, 0 failed",
    code: 0,
  },
  "knows the files of skipped tests also where test files run side by side": {
    test: 0,
    says: `./tests/a_test.ts => one ... ok (1ms)
./tests/a_test.ts => two (skipped: no rare-program here) ... ignored (0ms)
ok | 1 passed | 0 failed | 1 ignored (1s)`,
    saysOfFiles: "ok | 20 passed | 0 failed (1s)",
    last: "122 passed, 0 failed",
    code: 0,
  },
};

for (const [name, wanted] of Object.entries(CASES)) {
  Deno.test({
    ...needing(["bash"], `.ci/run ${name}`),
    fn: () =>
      withTempDir(async (dir) => {
        assertEquals(await runWith(dir, wanted), [wanted.last, wanted.code]);
      }),
  });
}

/** The last line and the exit code. */
async function runWith(
  dir: string,
  { check = 0, demo = 0, test, says, saysOfFiles = "" }: Case,
): Promise<[string | undefined, number]> {
  await Deno.writeTextFile(`${dir}/said`, `${says}\n`);
  await Deno.writeTextFile(`${dir}/said-of-files`, `${saysOfFiles}\n`);
  const script = (text: string) => `#!/bin/sh\n${text}\n`;
  const put = (program: string, text: string) =>
    Deno.writeTextFile(`${dir}/${program}`, script(text), { mode: 0o755 });
  // What only this machine has: it is seen by none but the second run of the tests.
  await put("rare-program", "");
  await put("deno", "exit 9");
  await put("npm", "echo /global/npmrc");
  await put(
    "npx",
    `[ "$1 $2 $3" = "-y deno@2.9.6 task" ] || exit 9
     [ "$npm_config_globalconfig" = /global/npmrc ] || exit 9
     for program in sh git cat grep; do command -v $program >/dev/null || exit 9; done
     if command -v rare-program >/dev/null; then
       [ "$4 \${5-} $#" = "test ./tests/a_test.ts 5" ] || exit 9
       exec cat "${dir}/said-of-files"
     fi
     ! command -v deno >/dev/null || exit 9
     case $4 in
       check) exit ${check} ;;
       demo) exit ${demo} ;;
       test) cat "${dir}/said"; exit ${test} ;;
       test:interleavings) echo "ok | ${INTERLEAVINGS} passed | 0 failed (1s)" ;;
       *) exit 9 ;;
     esac`,
  );
  const { code, stdout } = await new Deno.Command("bash", {
    args: [SCRIPT],
    cwd: "/",
    env: { PATH: `${dir}:${Deno.env.get("PATH")}` },
  }).output();
  return [new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1), code];
}
