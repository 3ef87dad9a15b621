import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { textOf } from "../../page/ansi.ts";
import { fromLineStart, lastLines, LogText, sizeText } from "../../page/log_text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function linesOf(log: LogText): string[] {
  return log.blocks().flatMap(({ lines }) => lines.map(({ runs }) => textOf(runs)));
}

Deno.test("LogText has the same lines however the bytes are cut", () => {
  const text = fc.array(fc.constantFrom("a", "ü", "€", "😀", "\n", " ", "\x1b[31m"), {
    maxLength: 600,
  }).map((letters) => letters.join(""));
  fc.assert(fc.property(text, fc.array(fc.nat(1000), { maxLength: 6 }), (all, cuts) => {
    const whole = bytes(all);
    const [once, parts] = [new LogText(), new LogText()];
    once.append(whole);
    let at = 0;
    for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
      const end = Math.max(at, Math.min(cut, whole.length));
      parts.append(whole.subarray(at, end));
      at = end;
    }
    assertEquals(linesOf(parts), linesOf(once));
    assertEquals([parts.to, parts.count], [whole.length, linesOf(once).length]);
  }));
});

Deno.test("LogText keeps full blocks as they are, and shows the line that is being written", () => {
  const log = new LogText();
  log.append(bytes("line\n".repeat(250)));
  const before = log.blocks();
  log.append(bytes("half"));
  const after = log.blocks();
  assertEquals([before.length, after.length], [2, 2]);
  assertEquals(before[0] === after[0], true);
  assertEquals(before[1] === after[1], false);
  assertEquals([after[1]!.first, linesOf(log).at(-1), log.count], [200, "half", 251]);
});

Deno.test("LogText breaks lines without end, and forgets what a progress bar overwrote", () => {
  const log = new LogText();
  log.append(bytes("x".repeat(20_000)));
  assertEquals(linesOf(log).map(({ length }) => length), [8192, 8192, 3616]);
  const bar = new LogText();
  for (let i = 0; i < 5000; i++) bar.append(bytes(`\r${i} of 5000`));
  assertEquals(linesOf(bar), ["4999 of 5000"]);
});

Deno.test("LogText.find() names the lines that have a text, colours and letters' size aside", () => {
  const log = new LogText();
  log.append(bytes("An err\x1b[31mor\nfine\nERROR: again\nlast error"));
  assertEquals(log.find("error"), [0, 2, 3]);
  assertEquals(log.find(""), []);
});

Deno.test("LogText.find() finds the same while the output grows as when it is there", () => {
  const part = fc.array(fc.constantFrom("needle ", "hay ", "\n", "\n"), { maxLength: 700 })
    .map((words) => words.join(""));
  fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
    const [growing, whole] = [new LogText(), new LogText()];
    for (const one of parts) {
      growing.append(bytes(one));
      growing.find("needle");
    }
    whole.append(bytes(parts.join("")));
    assertEquals(growing.find("needle"), whole.find("needle"));
    assertEquals(growing.find("hay"), whole.find("hay"));
  }));
});

Deno.test("fromLineStart() leaves out the end of a line that began before", () => {
  const text = (part: string) => new TextDecoder().decode(fromLineStart(bytes(part)));
  assertEquals([text("rest\nwhole\n"), text("no end"), text("rest\n")], [
    "whole\n",
    "no end",
    "rest\n",
  ]);
});

Deno.test("sizeText() says sizes", () => {
  const sizes = [0, 1, 812, 3400, 99_400, 999_600, 12_345_678, 3e9];
  assertEquals(sizes.map(sizeText), [
    "0 bytes",
    "1 byte",
    "812 bytes",
    "3.4 kB",
    "99 kB",
    "1 MB",
    "12 MB",
    "3 GB",
  ]);
});

Deno.test("lastLines() keeps so many lines, whether the last one is finished or not", () => {
  const last = (text: string, most: number) =>
    new TextDecoder().decode(lastLines(bytes(text), most));
  assertEquals(last("a\nb\nc\n", 2), "b\nc\n");
  assertEquals(last("a\nb\nc", 2), "b\nc");
  assertEquals(last("a\n\n\n", 2), "\n\n");
  assertEquals([last("a\nb\n", 2), last("a\nb", 3), last("", 1), last("\n", 1)], [
    "a\nb\n",
    "a\nb",
    "",
    "\n",
  ]);
});
