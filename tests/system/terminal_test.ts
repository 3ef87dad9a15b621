import { assertEquals, assertThrows } from "@std/assert";
import { OutputStream } from "../../src/system/terminal.ts";

/** A stream that takes at most three bytes at once, and says at first that it has no room. */
class Narrow {
  text = "";
  #full = true;

  isTerminal(): boolean {
    return false;
  }

  writeSync(bytes: Uint8Array): number {
    this.#full = !this.#full;
    if (!this.#full) {
      throw new Deno.errors.WouldBlock("Resource temporarily unavailable (os error 11)");
    }
    this.text += new TextDecoder().decode(bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  }
}

Deno.test("OutputStream writes all, in parts and when there is no room for a while", () => {
  const stream = new Narrow();
  const output = new OutputStream(stream);
  output.write("abcdefgh");
  output.write(new TextEncoder().encode("ij"));
  output.write("");
  assertEquals(stream.text, "abcdefghij");
});

Deno.test("OutputStream passes failures on, and has a size where there is none to ask", () => {
  const broken = {
    isTerminal: () => true,
    writeSync: () => {
      throw new Deno.errors.BrokenPipe();
    },
  };
  const output = new OutputStream(broken);
  assertThrows(() => output.write("x"), Deno.errors.BrokenPipe);
  assertEquals(output.isTerminal, true);
  assertEquals(output.columns > 0 && output.rows > 0, true);
});
