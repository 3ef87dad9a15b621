import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LineWriter } from "../../src/system/line_writer.ts";
import { waitUntil } from "../support/wait_until.ts";

/** A stream that takes `atOnce` bytes a call, and nothing while it is shut. */
class Stream {
  text = "";
  calls = 0;
  error: Error | undefined;
  #open: Promise<void> = Promise.resolve();
  #release = () => {};

  constructor(readonly atOnce = Infinity) {}

  shut(): void {
    this.#open = new Promise((resolve) => this.#release = resolve);
  }

  open(): void {
    this.#release();
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.calls++;
    await this.#open;
    if (this.error) {
      const error = this.error;
      this.error = undefined;
      throw error;
    }
    const part = bytes.subarray(0, this.atOnce);
    this.text += new TextDecoder().decode(part);
    return part.length;
  }
}

Deno.test("LineWriter writes all lines in order, those told together in one piece", async () => {
  const stream = new Stream();
  const lines = new LineWriter(stream);
  for (const line of ["a", "b", "c"]) lines.write(line);
  await lines.flush(10_000);
  lines.write("d");
  await lines.flush(10_000);
  assertEquals([stream.text, stream.calls], ["a\nb\nc\nd\n", 2]);
});

Deno.test("LineWriter goes on where a stream takes a part only, or refuses for a moment", async () => {
  const stream = new Stream(3);
  stream.error = new Deno.errors.WouldBlock();
  const lines = new LineWriter(stream);
  lines.write("one and two");
  await lines.flush(10_000);
  assertEquals(stream.text, "one and two\n");
});

Deno.test("LineWriter drops what finds no room while nobody reads, and says how much afterwards", async () => {
  const stream = new Stream();
  const lines = new LineWriter(stream);
  stream.shut();
  lines.write("first");
  await waitUntil(() => stream.calls === 1);
  const long = "x".repeat(100_000);
  for (let i = 0; i < 5; i++) lines.write(`${i} ${long}`);
  await lines.flush(1); // returns all the same
  assertEquals(stream.text, "");
  stream.open();
  await lines.flush(10_000);
  const told = stream.text.split("\n").map((line) => line.slice(0, 60));
  assertEquals(told.length, 5);
  assertEquals([told[0], told[4]], ["first", ""]);
  assertStringIncludes(stream.text, "queuectl: 3 lines were dropped here, since nobody read\n");
  assert(stream.text.includes("\n0 x") && stream.text.includes("\n1 x"));
});

Deno.test("LineWriter does without a reader that has gone", async () => {
  const stream = new Stream();
  stream.error = new Deno.errors.BrokenPipe();
  const lines = new LineWriter(stream);
  lines.write("a");
  await lines.flush(10_000);
  lines.write("b");
  await lines.flush(10_000);
  assertEquals(stream.text, "b\n");
});
