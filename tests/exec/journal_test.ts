// What a journal says of a run, also where lines of it were lost.
import { assertEquals } from "@std/assert";
import { noteKill, readJournal, readWriter } from "../../src/exec/journal.ts";
import { SimDisk } from "../support/sim_disk.ts";

const RUN = { id: "a", attempt: 1, startedAt: 7 };

function endIn(...lines: string[]) {
  const disk = new SimDisk();
  disk.create("/w.runs", ["shell 70 boot 700", ...lines].map((line) => `${line}\n`).join(""));
  const { began, end } = readJournal(disk, "/w.runs", RUN);
  return { began, end: end && "code" in end ? end.code : end?.fault };
}

Deno.test("readJournal() takes the end that follows the begin of a run", () => {
  assertEquals(endIn("+ a 1 7"), { began: 7, end: undefined });
  assertEquals(endIn("+ a 1 7", "- a 1 3"), { began: 7, end: 3 });
  assertEquals(endIn("+ a 1 7", "! a 1 cwd"), { began: 7, end: "cwd" });
  assertEquals(endIn("+ b 1 5", "- b 1 0", "+ a 1 7", "- a 1 3"), { began: 7, end: 3 });
});

Deno.test("readJournal() takes no end of an earlier job with the same id, or of another run", () => {
  assertEquals(endIn("+ a 1 5", "- a 1 0"), { began: undefined, end: undefined });
  assertEquals(endIn("+ a 1 5", "- a 1 0", "+ a 1 7"), { began: 7, end: undefined });
  assertEquals(endIn("- a 1 0", "+ a 1 7"), { began: 7, end: undefined });
  assertEquals(endIn("- a 2 0", "- b 1 0"), { began: undefined, end: undefined });
  assertEquals(endIn("+ b 1 5", "- a 1 0"), { began: undefined, end: undefined });
});

Deno.test("readJournal() says why a run was killed before its end", () => {
  const killed = (...lines: string[]) => {
    const disk = new SimDisk();
    disk.create("/w.runs", ["shell 70 boot 700", ...lines].map((line) => `${line}\n`).join(""));
    const { killedFor, end } = readJournal(disk, "/w.runs", RUN);
    return [killedFor, end];
  };
  const end = { code: 143, bySignal: false };
  assertEquals(killed("+ a 1 7", "x a 1 7 released"), ["released", undefined]);
  assertEquals(killed("+ a 1 7", "x a 1 7 timed_out", "- a 1 143"), ["timed_out", end]);
  // Those who adopt it only finish what was begun.
  assertEquals(killed("x a 1 7 released", "x a 1 7 timed_out"), ["released", undefined]);
  assertEquals(killed("+ a 1 7", "- a 1 143", "x a 1 7 released"), [undefined, end]);
  assertEquals(killed("+ a 1 7", "x a 1 8 released", "x b 1 7 released", "x a 1 7 rele"), [
    undefined,
    undefined,
  ]);
  // What the shell says of a death by a signal is not the line before.
  assertEquals(
    killed("+ a 1 7", "1234 Terminated", "x a 1 7 cancelled", "- a 1 143"),
    ["cancelled", { code: 143, bySignal: true }],
  );
});

Deno.test("noteKill() makes no journal where somebody has removed it, and lets the kill go on", () => {
  const disk = new SimDisk();
  noteKill(disk, "/w.runs", RUN, "released");
  assertEquals(disk.info("/w.runs"), undefined);
});

Deno.test("readWriter() takes no note of a kill for the end, or the begin, of a run", () => {
  const disk = new SimDisk();
  disk.create("/w.runs", "shell 70 boot 700\n+ a 1 7\n");
  noteKill(disk, "/w.runs", RUN, "released");
  assertEquals(readWriter(disk, "/w.runs").isAtWork, true);
  disk.append("/w.runs", "- a 1 143\n");
  noteKill(disk, "/w.runs", RUN, "released");
  assertEquals(readWriter(disk, "/w.runs").isAtWork, false);
});

Deno.test("readJournal() takes the group of the run that began last, and no signal from it", () => {
  const read = (...lines: string[]) => {
    const disk = new SimDisk();
    disk.create("/w.runs", lines.map((line) => `${line}\n`).join(""));
    const { group, end } = readJournal(disk, "/w.runs", RUN);
    return [group, end && "code" in end && end.bySignal];
  };
  assertEquals(read("+ a 1 7", "= 90"), [90, undefined]);
  assertEquals(read("+ a 1 7", "= 90", "- a 1 143"), [90, false]);
  assertEquals(read("+ a 1 7", "= 90", "bash: Terminated", "- a 1 143"), [90, true]);
  // A full disk has cut it off, and the shell has ended the line.
  assertEquals(read("+ a 1 7", "", "- a 1 143"), [undefined, false]);
  assertEquals(read("+ a 1 5", "= 80", "+ a 1 7"), [undefined, undefined]);
  assertEquals(read("+ a 1 7", "= 90", "- a 1 0", "+ b 1 8", "= 91"), [90, false]);
});

Deno.test("readJournal() takes an end whose begin was lost: what has ended must not run again", () => {
  assertEquals(endIn("- a 1 0"), { began: undefined, end: 0 });
  assertEquals(endIn("+ b 1 5", "- b 1 0", "- a 1 3"), { began: undefined, end: 3 });
});
