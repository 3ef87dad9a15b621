import { assertEquals } from "@std/assert";
import { decode, encodeChange, encodeRequest } from "../../src/stores/file/codec.ts";
import { retriedOnceEnded, updated } from "../../src/queue/revise.ts";
import type { Job } from "../../src/queue/job.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import { aJob, EPOCH } from "../support/jobs.ts";

const JOB = aJob({ startBy: EPOCH + 5 });
const FIRST = encodeRequest(JOB);
const read = (...lines: string[]) => decode(FIRST + lines.join(""), "a", "/a");

Deno.test("decode() takes what a user has changed, also twice, and nothing that is wrong", () => {
  const after = updated(JOB, {
    priority: -2,
    queue: "q",
    maxRetries: 9,
    timeout: 1.5,
    runAt: EPOCH + 3,
  }) as Job;
  const line = encodeChange(JOB, after)!;
  assertEquals(read(line, line), { job: after, torn: false, unended: false, adds: undefined });
  assertEquals(encodeChange(after, after), undefined);
  const at = new Date(EPOCH).toISOString();
  for (
    const changed of [
      1,
      null,
      "x",
      { priority: "1" },
      { queue: "/" },
      { queue: 1 },
      {
        max_retries: null,
      },
      { timeout: "5" },
      { run_at: "soon" },
      { start_by: 5 },
    ]
  ) {
    const wrong = JSON.stringify({ at, state: "pending", changed }) + "\n";
    const { job, torn } = read(wrong);
    assertEquals([job, torn], [JOB, true], wrong);
    assertEquals(read(wrong, line).job, after);
  }
  const off = cancelled(JOB, EPOCH + 9, "expired") as Job;
  const again = retriedOnceEnded(off, EPOCH + 10) as Job;
  assertEquals(read(encodeChange(JOB, off)!, encodeChange(off, again)!).job, again);
});

Deno.test("decode() knows what the last line adds, and only that", () => {
  const off = cancelled(JOB, EPOCH + 9) as Job;
  const added = aJob({ id: "hook", queue: "hooks", command: '"adds":{}', env: { A: "b" } });
  const end = encodeChange(JOB, off, added)!;
  assertEquals(read(end).adds, added);
  assertEquals(read(end, "torn line\n").adds, added);
  const again = retriedOnceEnded(off, EPOCH + 10) as Job;
  assertEquals(read(end, encodeChange(off, again)!).adds, undefined);
  assertEquals(read(encodeChange(JOB, off)!.replace("}", ',"adds":{"id":1}}')).adds, undefined);
});
