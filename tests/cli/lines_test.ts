import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { linesOf } from "../../src/cli/batch/lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function texts(...chunks: Uint8Array[]): (string | undefined)[] {
  const lines = [...linesOf(chunks)];
  assertEquals(lines.map(({ number }) => number), lines.map((_, i) => i + 1));
  return lines.map(({ text }) => text);
}

Deno.test("linesOf() finds the same lines wherever the chunks are cut, also within a character", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "日", "👍", "\n", "\r") });
  fc.assert(fc.property(text, fc.integer({ min: 1, max: 7 }), (whole, size) => {
    const all = bytes(whole);
    const chunks = [];
    for (let i = 0; i < all.length; i += size) chunks.push(all.subarray(i, i + size));
    const expected = whole.split("\n");
    if (expected.at(-1) === "") expected.pop();
    assertEquals(texts(...chunks), expected);
  }));
});

Deno.test("linesOf() says which line is not UTF-8, and reads the others", () => {
  assertEquals(texts(bytes("a\n"), new Uint8Array([0xff, 10]), bytes("b\n")), [
    "a",
    undefined,
    "b",
  ]);
  assertEquals(texts(new Uint8Array([97, 10, 0xc3, 10, 98, 10, 0x80])), [
    "a",
    undefined,
    "b",
    undefined,
  ]);
  assertEquals(texts(), []);
});

Deno.test("linesOf() reads a whole file that comes as one chunk", () => {
  const line = "x".repeat(99);
  const lines = texts(bytes(`${line}\n`.repeat(30_000)));
  assertEquals(lines.length, 30_000);
  assertEquals(lines.every((text) => text === line), true);
});
