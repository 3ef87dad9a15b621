import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recordTerminal, stable } from "../../scripts/terminal_recording.ts";
import { terminalSvg, textOfSvg } from "../../scripts/terminal_svg.ts";

Deno.test("stable() gives a session one id, one folder, one day and one beginning", () => {
  const id = "0c1d2e3f-1111-4222-8333-444455556666";
  assertEquals(
    stable(
      `${id}\n\x1b[2m23:59:59\x1b[22m 0c1d2e3f in /tmp/x/a\n00:00:01\n2031-01-02 23:59:59`,
      "/tmp/x",
    ),
    "5d69fb0e-6500-4850-89ea-8342c39eb8db\n" +
      "\x1b[2m09:30:00\x1b[22m 5d69fb0e in /home/ann/a\n09:30:02\n2026-11-24 09:30:00",
  );
});

Deno.test("terminalSvg() puts each run of one colour into its column", () => {
  const svg = terminalSvg(
    "\x1b[1mID\x1b[22m  a<b\n\n  \x1b[31mdead\x1b[39m & \x1b[2mgone\x1b[22m\n",
  );
  assertEquals(textOfSvg(svg), ["ID  a<b", "  dead & gone"]);
  for (
    const part of [
      '<text class="text bold" x="20" y="59" textLength="16.8">ID</text>',
      '<text class="text" x="53.6" y="59" textLength="25.2">a&lt;b</text>',
      '<text class="red" x="36.8" y="99" textLength="33.6">dead</text>',
      '<text class="dim" x="95.6" y="99" textLength="33.6">gone</text>',
      "@media (prefers-color-scheme: dark)",
    ]
  ) assertStringIncludes(svg, part);
});

Deno.test({
  name: "docs/terminal.svg shows what the program prints now: if not, run deno task docs",
  ignore: Deno.build.os === "windows",
  async fn() {
    const svg = await Deno.readTextFile(new URL("../../docs/terminal.svg", import.meta.url));
    const shown = textOfSvg(svg).map(masked);
    const printed = textOfSvg(terminalSvg(await recordTerminal())).map(masked);
    // Two workers run two jobs at once: which of them ends first is theirs.
    assertEquals(shown.toSorted(), printed.toSorted());
    assert(textOfSvg(svg).every((line) => line.length <= 90), "a line is too long for the picture");
  },
});

/** A line without what differs from run to run: times, durations, workers, the width of columns. */
function masked(line: string): string {
  return line.replace(/\d\d:\d\d:\d\d/g, "TIME")
    .replace(/\bnow\b|\b\d+(\.\d+)?m?s( ago)?\b/g, "DURATION")
    .replace(/worker-\d/g, "WORKER").replace(/\s+/g, " ");
}
