// Parsing what the system says about processes, and the messages for endings.

import { assert, assertEquals } from "@std/assert";
import { family } from "../../src/exec/kill_attempt.ts";
import { exited, killed, shellDied } from "../../src/exec/ending.ts";
import { isAlive, listProcesses, parsePs, parseStats } from "../../src/exec/processes.ts";

const TAIL = " 0 -1 4194304 97 0 0 0 0 0 0 0 20 0 1 0 1055795" + " 0".repeat(30);

Deno.test("parseStats() is not misled by the name of a process", () => {
  const text = [
    `1 (init) S 0 1 1${TAIL}`,
    `77 (a) R 1 (b) S 5 77 70${TAIL}`,
    `78 (x\n79 (y) S 1 1) T 1 78 70${TAIL}`,
    `80 (gone) Z 1 80 70${TAIL}`,
    `81 () S 1 81 70${TAIL}`,
    "82 (cut) S 1 82 70 0 -1",
  ].join("\n") + "\n";
  assertEquals(parseStats(text).map(({ pid, session, state }) => [pid, session, state]), [
    [1, 1, "S"],
    [77, 70, "S"],
    [78, 70, "T"],
    [80, 70, "Z"],
    [81, 70, "S"],
  ]);
  assertEquals(parseStats(text)[0]!.start, "1055795");
});

Deno.test("parsePs() reads what ps prints on other systems", () => {
  const text =
    "    1  0   1 Ss   Tue Nov 24 09:00:01 2026    \n  234 1 230 Z+  Tue Nov  3 10:00:01 2026\n" +
    " 5678 1 230 S+   Tue Nov  3 10:00:01 2026\n";
  const rest = { isMarked: false };
  assertEquals(parsePs(text), [
    { pid: 1, parent: 0, group: 1, session: 1, start: "Tue_Nov_24_09:00:01_2026", ...rest },
    { pid: 5678, parent: 1, group: 230, session: 230, start: "Tue_Nov_3_10:00:01_2026", ...rest },
  ]);
});

Deno.test("listProcesses() and isAlive() know a process by its start, and by what its environment holds", async () => {
  const child = new Deno.Command("sleep", {
    args: ["60"],
    env: { QUEUECTL_MARK: "two\nlines =" },
    stdin: "null",
  }).spawn();
  const boot = Deno.build.os === "linux"
    ? Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim()
    : "-";
  const here = { namespace: "-", host: "-" };
  const found = async (mark: string) =>
    (await listProcesses(mark)).processes.find((process) => process.pid === child.pid)!;
  const { pid, start, parent, isMarked } = await found("QUEUECTL_MARK=two");
  assertEquals([parent, isMarked], [Deno.pid, Deno.build.os === "linux"]);
  assertEquals((await found("QUEUECTL_MARK=three")).isMarked, false);
  assert(await isAlive({ pid, start, boot, ...here }));
  assert(!await isAlive({ pid, start: `${start}0`, boot, ...here }));
  assert(!await isAlive({ pid, start, boot: `${boot}0`, ...here }));
  child.kill("SIGKILL");
  await child.status;
  assert(!await isAlive({ pid, start, boot, ...here }));
});

Deno.test("exited() takes 128 and more for a signal only where one can end a process", () => {
  assertEquals(exited(143, true).signal, "SIGTERM");
  assertEquals(exited(143).signal, null);
  assertEquals(exited(130).error, "exit code 130 (128 + SIGINT)");
  for (const code of [128, 128 + 64, 255]) {
    assertEquals(exited(code, true).signal, null, String(code));
  }
});

Deno.test("killed() and shellDied() say in a line what happened", () => {
  assertEquals(
    killed("timed_out", { code: 0, bySignal: false }, { timeout: 1.5 }).error,
    "timed out after 1.5s",
  );
  assertEquals(killed("released", undefined, { timeout: 0 }).outcome, "released");
  assertEquals(
    killed("cancelled", undefined, { timeout: 0 }, [7, 8]).error,
    "cancelled while it ran, but process 7, 8 live on: they could not be ended",
  );
  assertEquals(
    shellDied({ code: 2, signal: null }).error,
    "the shell that ran the job ended with exit code 2",
  );
  assertEquals(
    shellDied({ code: 137, signal: "SIGKILL" }, [7]).error,
    "the shell that ran the job was killed by SIGKILL, but process 7 lives on: it could not be ended",
  );
});

Deno.test("family() holds children, groups and sessions of its roots, and never those of all others", () => {
  const process = (pid: number, parent: number, group: number, session: number) => ({
    pid,
    parent,
    group,
    session,
    start: "1",
    isMarked: false,
  });
  const shell = 50;
  const all = [
    process(1, 0, 1, 1),
    process(2, 0, 0, 0),
    process(40, 1, 1, 1),
    process(50, 40, 50, 50),
    process(60, 50, 60, 50), // the job
    process(61, 1, 60, 50), // an orphan in its group
    process(62, 60, 62, 62), // a child with a session of its own
    process(63, 1, 64, 62), // an orphan in that session
    process(70, 1, 70, 50), // what another job left
    process(71, 1, 50, 50),
    process(80, 60, 0, 0), // came from outside this namespace
    process(81, 60, 1, 1),
  ];
  const members = family(all, shell, ({ pid }) => pid === 60).map(({ pid }) => pid);
  assertEquals(members.sort(), [60, 61, 62, 63, 80, 81]);
  assertEquals(family(all, shell, ({ pid }) => pid === 1), []);
});
