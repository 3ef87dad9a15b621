// A minute of the torture. It does what its seed says; how the processes meet differs each time, so
// a failure is a find.
import { assertEquals } from "@std/assert";
import { torture } from "../scripts/torture/torture.ts";

Deno.test({
  name: "a minute of torture costs no job, and runs none twice at the same time",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { problems, report } = await torture({ minutes: 1, seed: 20261124, keep: false });
    assertEquals(problems, [], report);
  },
});
