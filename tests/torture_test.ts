// Some twenty seconds of the torture. Its seed determines what it does, but the timing of the
// processes differs each time, so a failure is a real bug.
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
    const { problems, report } = await torture({
      minutes: 0.1,
      seed: 20261124,
      backlog: 40,
      keep: false,
    });
    assertEquals(problems, [], report);
  },
});
