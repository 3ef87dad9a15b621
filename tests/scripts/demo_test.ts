import { assertEquals, assertMatch } from "@std/assert";
import { pathOfUrl } from "../../src/system/self.ts";

Deno.test({
  name: "the demo ends as it should, tidies up, and leaves the home alone",
  ignore: Deno.build.os === "windows",
  async fn() {
    const temp = Deno.makeTempDirSync({ prefix: "queuectl-test-" });
    const script = pathOfUrl(new URL("../../scripts/demo.ts", import.meta.url).href);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        "--allow-write",
        "--allow-run",
        "--allow-env",
        script,
      ],
      env: { TMPDIR: temp, XDG_DATA_HOME: `${temp}/data`, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assertMatch(
      new TextDecoder().decode(stdout),
      /\nThe demo ended as it should, after [\d.]+ s\.\n$/,
    );
    assertEquals(code, 0);
    assertEquals([...Deno.readDirSync(temp)], []);
    Deno.removeSync(temp);
  },
});
