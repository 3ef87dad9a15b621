import { assert, assertEquals } from "@std/assert";
import { oneLine, severalLines } from "../../src/view/escape.ts";
import { shortIds } from "../../src/view/ids.ts";
import { lastLines } from "../../src/view/job_page.ts";
import { progressText } from "../../src/view/progress.ts";
import { bytesText } from "../../src/view/storage.ts";
import { paintFor, plain } from "../../src/view/style.ts";
import { renderTable } from "../../src/view/table.ts";
import { agoText, durationText } from "../../src/view/times.ts";

Deno.test("oneLine() shows control characters, and nothing else differently", () => {
  assertEquals(oneLine("a\nb\tc\x1b[31m\x7f\x9b"), "a␊b␉c␛[31m␡\\x9b");
  assertEquals(oneLine("\u202eevil\u2028"), "\\u202eevil\\u2028");
  assertEquals(oneLine("日本 👩‍👩‍👧 é"), "日本 👩‍👩‍👧 é");
  assertEquals(severalLines("a\n\tb\r"), "a\n\tb␍");
});

Deno.test("durationText() says the two largest units", () => {
  const cases: [number, string][] = [
    [0, "0ms"],
    [0.35, "350ms"],
    [0.9999, "1s"],
    [4.23, "4.2s"],
    [9.97, "10s"],
    [59.6, "1m"],
    [65, "1m 5s"],
    [3600, "1h"],
    [3605, "1h"],
    [7800, "2h 10m"],
    [90_000, "1d 1h"],
    [8_640_000, "100d"],
  ];
  for (const [seconds, text] of cases) assertEquals(durationText(seconds), text);
});

Deno.test("agoText() says the largest unit, before and after", () => {
  assertEquals(agoText(1000, 1400), "now");
  assertEquals(agoText(0, 3000), "3s ago");
  assertEquals(agoText(0, 200_000), "3m ago");
  assertEquals(agoText(7_200_000, 0), "in 2h");
  assertEquals(agoText(0, 5 * 86_400_000), "5d ago");
});

Deno.test("shortIds() cuts ids to what is unique among them, and at least 8 characters", () => {
  const short = shortIds([
    "aaaaaaaaaa-1",
    "aaaaaaaaaa-2",
    "bbbbbbbbbbbb",
    "short",
    "aaaaaaaaaa-1",
    "cccccccc",
    "ccccccccc",
  ]);
  assertEquals([...short.values()].sort(), [
    "aaaaaaaaaa-1",
    "aaaaaaaaaa-2",
    "bbbbbbbb",
    "cccccccc",
    "ccccccccc",
    "short",
  ]);
});

Deno.test("paintFor() colours by NO_COLOR, FORCE_COLOR and the stream itself", () => {
  const paints = (isTerminal: boolean, env: Record<string, string>) =>
    paintFor({ isTerminal }, (name) => env[name])("x", "red") !== "x";
  assertEquals(paints(true, {}), true);
  assertEquals(paints(false, {}), false);
  assertEquals(paints(true, { NO_COLOR: "1" }), false);
  assertEquals(paints(true, { NO_COLOR: "" }), true);
  assertEquals(paints(false, { FORCE_COLOR: "1" }), true);
  assertEquals(paints(true, { FORCE_COLOR: "0" }), false);
  assertEquals(paints(false, { FORCE_COLOR: "1", NO_COLOR: "1" }), false);
  assertEquals(paints(true, { TERM: "dumb" }), false);
});

const COLUMNS = [{ title: "N", right: true }, { title: "NAME" }, { title: "TEXT", cut: true }];

Deno.test("renderTable() lines columns up, whatever the width of their characters", async () => {
  const rows = [["1", "a", "x"], ["22", "日本", "é"], ["3", "e\u0301", "👍"]];
  const table = await renderTable(COLUMNS, rows, { paint: plain, width: undefined });
  assertEquals(table, " N  NAME  TEXT\n 1  a     x\n22  日本  é\n 3  e\u0301     👍\n");
});

Deno.test("renderTable() cuts the marked column first, then the widest, to fit", async () => {
  const row = ["1", "n".repeat(30), "t".repeat(100)];
  const fit = async (width: number) =>
    (await renderTable(COLUMNS, [row], { paint: plain, width })).split("\n")[1]!;
  assertEquals(await fit(60), `1  ${"n".repeat(30)}  ${"t".repeat(24)}…`);
  assertEquals(await fit(30), `1  ${"n".repeat(16)}…  ${"t".repeat(7)}…`);
  const wide = await renderTable(COLUMNS, [["1", "a", "日本語".repeat(20)]], {
    paint: plain,
    width: 20,
  });
  assert(wide.split("\n")[1]!.endsWith("…"), wide);
  assertEquals((await fit(200)).length, 3 + 30 + 2 + 100);
});

Deno.test("lastLines() shows what was to be seen at the end", () => {
  assertEquals(lastLines("a\nb\nc\n", 2), ["b", "c"]);
  assertEquals(lastLines("1%\r50%\r100%\r\n\x1b[32mgreen\x1b[0m", 5), ["100%", "green"]);
  assertEquals(lastLines("", 5), []);
});

Deno.test("progressText() shows a share, and a guess of the time left", () => {
  assertEquals(
    progressText("Work", 50, 100, 2, 80),
    `Work  [${"#".repeat(15)}${".".repeat(15)}] 50%  2s left`,
  );
  assertEquals(progressText("Work", 100, 100, 2, 80), `Work  [${"#".repeat(30)}] 100%`);
  assertEquals(progressText("Work", 0, 0, 0, 10).length, 9);
});

Deno.test("bytesText() uses the unit that suits", () => {
  assertEquals([0, 1023, 1536, 20 * 1024 ** 2].map(bytesText), [
    "0 B",
    "1023 B",
    "1.5 KiB",
    "20 MiB",
  ]);
});
