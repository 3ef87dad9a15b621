import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { whyNotCompiled } from "../../scripts/build.ts";
import { hostTarget, TARGETS, targetsFrom } from "../../scripts/targets.ts";
import { version } from "../../src/version.ts";

Deno.test("targetsFrom() takes the host's own platform where none is named", () => {
  const host = hostTarget("aarch64-apple-darwin");
  assertEquals(targetsFrom([], host), [host!]);
});

Deno.test("targetsFrom() takes names and triples, both ways of writing an option, and all", () => {
  const windows = TARGETS.filter(({ name }) => name === "windows-x64");
  assertEquals(targetsFrom(["--target", "windows-x64"]), windows);
  assertEquals(targetsFrom(["--target=x86_64-pc-windows-msvc"]), windows);
  assertEquals(targetsFrom(["--target", "all"]), TARGETS);
});

Deno.test("targetsFrom() says which targets there are", () => {
  for (const args of [["--target", "amiga"], ["linux-x64"], ["--target"]]) {
    const refused = targetsFrom(args);
    assert(typeof refused === "string", args.join(" "));
    assertStringIncludes(refused, "macos-arm64");
  }
  assert(typeof targetsFrom([], null) === "string");
});

Deno.test("whyNotCompiled() needs two lines where Deno's runtime is missing", () => {
  const said = whyNotCompiled(
    "linux-x64",
    "Download https://example.org/denort-x86_64-unknown-linux-gnu.zip\n" +
      "\x1b[31merror\x1b[0m: Writing deno compile executable to temporary file\n\nCaused by:\n    0: Setting up base binary.",
  );
  assertEquals(said.split("\n").length, 2);
  assertStringIncludes(said, "$DENORT_BIN");
});

Deno.test("whyNotCompiled() hides no other reason", () => {
  assertStringIncludes(
    whyNotCompiled("linux-x64", "error: No space left on device"),
    "No space left",
  );
});

Deno.test("version() is the one in deno.json", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(version(), `${config.version} (from source)`);
});
