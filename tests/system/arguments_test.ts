import { assert } from "@std/assert";
import { areIntact, areTheLast } from "../../src/system/arguments.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("areIntact() takes text for what was typed", async () => {
  assert(await areIntact(["echo ☃", ""]));
  assert(!await areIntact(["what nobody has called this test with: \ufffd"]));
});

Deno.test("areTheLast() compares with what the kernel keeps", () => {
  assert(areTheLast(bytes("deno\0run\0a \ufffd\0\0b\0"), ["a \ufffd", "", "b"]));
  assert(areTheLast(bytes("queuectl\0\ufeff\0"), ["\ufeff"]));
  assert(!areTheLast(bytes("deno\0run\0a\0"), ["\ufffd"]));
  assert(!areTheLast(new Uint8Array([0x61, 0xff, 0]), ["a\ufffd"]));
  assert(!areTheLast(new Uint8Array(), ["\ufffd"]));
});
