import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readLine, textOf } from "../../page/ansi.ts";

/** `text:classes` of each run. */
function runs(line: string): string[] {
  return readLine(line).runs.map(({ text, classes }) => `${text}:${classes}`);
}

Deno.test("readLine() makes looks classes", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["plain", ["plain:"]],
    ["\x1b[31mred\x1b[0m not", ["red:fg-1", " not:"]],
    ["\x1b[1;92;44mx\x1b[mx", ["x:fg-10 bg-4 bold", "x:"]],
    ["\x1b[2;3;4;9ma\x1b[22mb\x1b[23;24;29mc", [
      "a:dim italic underline strike",
      "b:italic underline strike",
      "c:",
    ]],
    ["\x1b[7ma\x1b[31mb\x1b[27mc", ["a:fg-bg bg-fg", "b:fg-bg bg-1", "c:fg-1"]],
    ["\x1b[101mx\x1b[49my", ["x:bg-9", "y:"]],
    ["\x1b[31ma\x1b[39mb", ["a:fg-1", "b:"]],
    ["\x1b[4:3mwavy\x1b[4:0mno", ["wavy:underline", "no:"]],
  ];
  for (const [line, wanted] of cases) assertEquals(runs(line), wanted, JSON.stringify(line));
});

Deno.test("readLine() brings 256 and true colours to the nearest of 16", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["38;5;9", "fg-9"],
    ["38;5;196", "fg-9"],
    ["38;5;232", "fg-0"],
    ["38;5;255", "fg-7"],
    ["38;2;250;5;5", "fg-9"],
    ["38:2::0:200:0", "fg-2"],
    ["38:2:0:200:0", "fg-2"],
    ["38:5:4", "fg-4"],
    ["48;5;21", "bg-4"],
    // What follows is read on its own.
    ["38;5;1;4", "fg-1 underline"],
    ["38;2;0;0;0;1", "fg-0 bold"],
    ["58;5;3;1", "bold"],
  ];
  for (const [codes, classes] of cases) {
    assertEquals(runs(`\x1b[${codes}mx`), [`x:${classes}`], codes);
  }
});

Deno.test("readLine() drops all else that a terminal would do", () => {
  for (
    const hidden of [
      "\x1b[2J",
      "\x1b[10;20H",
      "\x1b[?25l",
      "\x1b[>4m",
      "\x1b]0;title\x07",
      "\x1b]8;;http://x\x1b\\",
      "\x1bP1$r\x1b\\",
      "\x1b(B",
      "\x1b7",
      "\x07",
      "\x08",
      "\x9b",
    ]
  ) {
    assertEquals(runs(`a${hidden}b`), ["ab:"], JSON.stringify(hidden));
  }
  assertEquals(runs("a\x1b"), ["a:"]);
  assertEquals(runs("a\x1b[3"), ["a3:"], "one that never ends hides nothing");
});

Deno.test("readLine() shows of a line that was redrawn the last, in its look", () => {
  assertEquals(runs("10%\r50%\r100%"), ["100%:"]);
  assertEquals(runs("done\r\r"), ["done:"]);
  assertEquals(runs("\x1b[32m1\r2"), ["2:fg-2"]);
});

Deno.test("readLine() goes on with the look of the line before", () => {
  const { look } = readLine("\x1b[1;35mfirst");
  assertEquals(readLine("second", look).runs, [{ text: "second", classes: "fg-5 bold" }]);
});

Deno.test("readLine() never yields control characters, markup or other classes, whatever it reads", () => {
  const piece = fc.oneof(
    fc.array(fc.nat(0x17f)).map((codes) => String.fromCharCode(...codes)),
    fc.constantFrom("\x1b[", "\x1b]", "38;", "2;", "5;", "m", ";", ":", "\r", "<b>", "999999"),
    fc.integer({ min: 0, max: 300 }).map(String),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    const line = pieces.join("").replaceAll("\n", "");
    for (const { text, classes } of readLine(line).runs) {
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x08\x0a-\x1f\x7f-\x9f]/.test(text), JSON.stringify(line));
      assert(
        /^(?:(?:[fb]g-(?:\d|1[0-5]|fg|bg)|bold|dim|italic|underline|strike) ?)*$/.test(classes),
        classes,
      );
    }
  }));
});

Deno.test("readLine() leaves text without control characters as it is", () => {
  fc.assert(fc.property(fc.string(), (text) => assertEquals(textOf(readLine(text).runs), text)));
});
