// Some forty seconds of the torture. It does what its seed says; how the processes meet differs
// each time, so a failure is a find.
import { assertEquals } from "@std/assert";
import { torture } from "../scripts/torture/torture.ts";
import { needing } from "./support/has_program.ts";

const { name, ignore } = needing(
  ["flock", "setsid"],
  "a short torture costs no job, runs none twice at once, none late and none out of turn",
);

Deno.test({
  name,
  // It looks at processes through /proc.
  ignore: ignore || Deno.build.os !== "linux",
  async fn() {
    const { problems, report } = await torture({ minutes: 0.4, seed: 20261124, keep: false });
    assertEquals(problems, [], report);
  },
});
