// The guard, by real processes: what it ends, when, and that it needs nobody for it.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { adopt } from "../../src/exec/adopt.ts";
import { ShellExecutor } from "../../src/exec/executor.ts";
import type { ShellKind } from "../../src/exec/job_script.ts";
import type { Run } from "../../src/exec/run.ts";
import { end, isStopped, lives, numberIn } from "../support/processes.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";
import { runsIn } from "./work_bench.ts";

const WORKER = new URL("./worker_fixture.ts", import.meta.url).pathname;
const FAR = 1_000_000;

interface Scene {
  readonly folder: string;
  readonly journal: string;
  readonly executor: ShellExecutor;
  newRun(command: string, more?: Partial<Run>): Run;
  /** Jobs may run for so many seconds from now. */
  allow(seconds: number, epoch?: string): void;
  /** The number that a job has written to a file of that name. */
  pid(name: string): Promise<number>;
  /** A worker process with that run, which is killed when the job has begun. */
  orphan(command: string): Promise<Run>;
}

function guardTest(says: string, test: (scene: Scene) => Promise<void>, shell?: ShellKind): void {
  Deno.test({
    name: says,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withTempDir(async (folder) => {
        const journal = `${folder}/worker.runs`;
        const deadline = `${folder}/deadline`;
        const allow = (seconds: number, epoch = "1") => {
          const now = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
          Deno.writeTextFileSync(`${deadline}.new`, `${(now + seconds).toFixed(2)} 60 ${epoch}\n`);
          Deno.renameSync(`${deadline}.new`, deadline);
        };
        const pid = (name: string) => waitUntil(() => numberIn(`${folder}/${name}`), name);
        const newRun = runsIn(folder);
        allow(FAR);
        const executor = new ShellExecutor({ journal, deadline, shell });
        const orphan = async (command: string) => {
          const run = newRun(`echo $$ >${folder}/pid; ${command}`);
          const worker = new Deno.Command(Deno.execPath(), {
            args: ["run", "-A", WORKER, journal, JSON.stringify(run)],
            env: { DEADLINE: deadline },
            stdin: "null",
            stdout: "null",
          }).spawn();
          await pid("pid");
          worker.kill("SIGKILL");
          await worker.status;
          return run;
        };
        try {
          await test({ folder, journal, executor, newRun, allow, pid, orphan });
        } finally {
          for (const name of ["pid", "child"]) end(numberIn(`${folder}/${name}`));
          allow(FAR);
          await executor.close();
        }
      }),
  });
}

for (const shell of ["bash", "sh"] as const) {
  guardTest(
    `guard of ${shell}: at the deadline all of a job is ended, and it is lost`,
    async (scene) => {
      const { executor, newRun, allow, pid, folder } = scene;
      // One in a session of its own, and one that carries no mark.
      const running = executor.run(newRun(
        `setsid sh -c 'echo $$ >${folder}/child; exec sleep 100' & ` +
          `env -i sh -c 'echo $$ >${folder}/pid; sleep 100; :'; echo late >late`,
      ));
      const [child, parent] = [await pid("child"), await pid("pid")];
      allow(0);
      const { outcome, error } = await running;
      assertEquals([outcome, error?.includes("no word from the store")], ["lost", true]);
      assertEquals([lives(child), lives(parent)], [false, false]);
      // What is allowed again, runs again.
      allow(FAR);
      assertEquals((await executor.run(newRun("exit 3"))).exitCode, 3);
    },
    shell,
  );
}

guardTest("guard: a job goes on for as long as the deadline moves", async (scene) => {
  const { executor, newRun, allow, pid, folder } = scene;
  allow(1.5);
  const running = executor.run(
    newRun(`echo $$ >${folder}/pid; until [ -e go ]; do sleep 0.05; done`),
  );
  await pid("pid");
  const begin = performance.now();
  while (performance.now() - begin < 2500) {
    allow(1.5);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  Deno.writeTextFileSync(`${folder}/go`, "");
  assertEquals((await running).outcome, "succeeded");
});

guardTest(
  "guard: a job without its worker is ended, and told as lost to whoever adopts it",
  async (scene) => {
    const { journal, allow, orphan, pid } = scene;
    const run = await orphan("sleep 100; echo late >late");
    allow(0);
    const job = await pid("pid");
    await waitUntil(() => !lives(job), "the job is ended");
    const ending = await adopt(journal, run);
    assertEquals(ending !== "not_begun" && ending.outcome, "lost");
  },
);

guardTest("guard: a job whose shell is gone too is ended", async (scene) => {
  const { journal, allow, orphan, pid } = scene;
  await orphan("sleep 100; echo late >late");
  end(Number(Deno.readTextFileSync(journal).split(" ")[1]));
  const job = await pid("pid");
  assert(lives(job));
  allow(0);
  await waitUntil(() => !lives(job), "the job is ended");
});

guardTest(
  "guard: a job whose shell is gone too, and which has cleared its environment, is ended",
  async (scene) => {
    const { journal, allow, orphan, pid } = scene;
    await orphan("exec env -i sleep 100");
    await waitUntil(
      () => Deno.readTextFileSync(journal).includes("\n= "),
      "its group is on record",
    );
    end(Number(Deno.readTextFileSync(journal).split(" ")[1]));
    const job = await pid("pid");
    await waitUntil(
      () => Deno.readTextFileSync(`/proc/${job}/environ`) === "",
      "its environment is clear",
    );
    assert(lives(job));
    allow(0);
    await waitUntil(() => !lives(job), "the job is ended");
  },
);

guardTest("guard: one that somebody kills is replaced", async (scene) => {
  const { executor, newRun, allow, pid, folder, journal } = scene;
  const running = executor.run(newRun(`echo $$ >${folder}/pid; sleep 100; :`));
  const job = await pid("pid");
  const first = await waitUntil(() => guardOf(journal), "a guard");
  end(first);
  await waitUntil(() => guardOf(journal, first), "another guard");
  allow(0);
  assertEquals([(await running).outcome, lives(job)], ["lost", false]);
});

guardTest(
  "guard: what was begun under a lease that was lost is ended under the next",
  async (scene) => {
    const { executor, newRun, allow, pid, folder } = scene;
    const command = `echo $$ >${folder}/pid; sleep 100; :`;
    const running = executor.run(newRun(command, { epoch: "1" }));
    const job = await pid("pid");
    allow(FAR, "2");
    assertEquals([(await running).outcome, lives(job)], ["lost", false]);
    // The shell refuses it, unless the guard has seen its begin in the journal before that.
    const refused = await executor.run(newRun("echo ran >ran", { epoch: "1" }))
      .then(({ outcome }) => outcome, (error) => error.message);
    assert(["no word from the store in time", "lost"].includes(refused), refused);
    assertEquals((await executor.run(newRun("exit 4", { epoch: "2" }))).exitCode, 4);
    assertEquals(numberIn(`${folder}/ran`), 0);
  },
);

guardTest("guard: it ends when the shell does that it guards", async (scene) => {
  const { executor, newRun, journal } = scene;
  await executor.run(newRun("true"));
  const guard = await waitUntil(() => guardOf(journal), "a guard");
  end(Number(Deno.readTextFileSync(journal).split(" ")[1]));
  await waitUntil(() => !lives(guard) || isStopped(guard), "it has ended");
});

guardTest("run() begins nothing when the deadline has passed, or can't be read", async (scene) => {
  const { executor, newRun, allow, folder } = scene;
  await executor.run(newRun("true"));
  allow(0);
  await assertRejects(() => executor.run(newRun("echo ran >ran")), Error, "no word");
  Deno.removeSync(`${folder}/deadline`);
  await assertRejects(() => executor.run(newRun("echo ran >ran")), Error, "no word");
  assertEquals(numberIn(`${folder}/ran`), 0);
  assert(!Array.from(Deno.readDirSync(folder)).some(({ name }) => name === "ran"));
});

/** The process that guards this journal's shell. */
function guardOf(journal: string, other = 0): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === other) continue;
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      if (words.includes("queuectl-guard") && words.includes(journal) && lives(Number(name))) {
        return Number(name);
      }
    } catch {
      // It has ended.
    }
  }
  return 0;
}
