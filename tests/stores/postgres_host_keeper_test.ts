// Whether a worker may claim, by what the keeper of its host's lease has written.
import { assertEquals } from "@std/assert";
import { leaseEpoch } from "../../src/stores/postgres/host_keeper.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test("leaseEpoch() counts from when the store was asked, not from its answer", () =>
  withTempDir((dir) => {
    const seen = (asked: number) => {
      Deno.writeTextFileSync(`${dir}/deadline`, `100.00 60 7 ${asked}\n`);
      return leaseEpoch(diskFiles, dir);
    };
    assertEquals(leaseEpoch(diskFiles, dir), undefined);
    assertEquals([seen(Date.now()), seen(Date.now() - 30_000)], ["7", "7"]);
    // Little is left, or the clock was set back.
    assertEquals([seen(Date.now() - 45_000), seen(Date.now() + 9000)], [undefined, undefined]);
  }));
