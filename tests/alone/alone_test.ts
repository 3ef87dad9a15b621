// Runs the tests that change what belongs to the whole process in a process of their own.
import { assert } from "@std/assert";
import { pathOfUrl } from "../../src/system/self.ts";

const FILE = pathOfUrl(new URL("process_state_alone.ts", import.meta.url).href);

Deno.test("tests that change the environment or the umask pass in a process of their own", async () => {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--sanitize-ops", "--sanitize-resources", "--no-check", "-A", FILE],
    stderr: "inherit",
  }).output();
  const said = new TextDecoder().decode(stdout);
  assert(success && /[1-9]\d* passed/.test(said), said);
});
