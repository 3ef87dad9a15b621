// The route of what attempts printed: bytes as they are, whole or by ranges.
import { messageOf } from "../queue/errors.ts";
import { findJob } from "../queue/find_job.ts";
import { attemptsBegun } from "../queue/job.ts";
import { noAttempt, noLog, notRun } from "../queue/log_refusals.ts";
import type { LogReader } from "../queue/logs.ts";
import { Problem } from "./answer.ts";
import type { Parts } from "./parts.ts";
import { type Span, spanOf } from "./range.ts";
import type { Asked, Route } from "./route.ts";

const CHUNK = 65_536;

export const LOG_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/jobs/{id}/logs",
    summary: "What an attempt printed so far; Range gives a part, such as bytes=-65536 its end",
    query: [
      { name: "attempt", kind: "whole", about: "Which; the last if left out" },
      { name: "download", kind: "switch", about: "As a file" },
    ],
    answer: { type: "text/plain" },
    isLong: true,
    handle: showLog,
  },
];

async function showLog(
  { headers, path, query }: Asked,
  { jobs, store }: Parts,
): Promise<Response> {
  const job = await findJob(jobs, path.id!);
  const last = attemptsBegun(job);
  const attempt = query.whole("attempt") ?? last;
  if (last === 0) throw notRun(job);
  if (attempt > last) throw noAttempt(job, attempt);
  const logs = await store.logs();
  const isRunning = attempt === last && job.status.state === "processing";
  const size = await logs.size(job.id, attempt) ?? (isRunning ? 0 : undefined);
  if (size === undefined) throw noLog(job, attempt);
  const span = spanOf(headers.get("range"), size);
  if (span === "outside") {
    throw new Problem(416, "usage", `The log has ${size} bytes so far`, {
      headers: { "content-range": `bytes */${size}` },
    });
  }
  const { from, to } = span ?? { from: 0, to: size };
  return new Response(bytesOf(logs, job.id, attempt, { from, to }), {
    status: span === undefined ? 200 : 206,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(to - from),
      "accept-ranges": "bytes",
      // Compressed, a range would be one of other bytes.
      "cache-control": "no-store, no-transform",
      "x-attempt": String(attempt),
      ...(span !== undefined && { "content-range": `bytes ${from}-${to - 1}/${size}` }),
      ...(query.has("download") && {
        "content-disposition": `attachment; filename="${job.id}.${attempt}.log"`,
      }),
    },
  });
}

/** Read as fast as it is taken. */
function bytesOf(logs: LogReader, id: string, attempt: number, { from, to }: Span) {
  let at = from;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at >= to) return controller.close();
      // The promised bytes do not come. Deno prints this: of an `Error` the stack trace too.
      const fail = (why: string) => controller.error(`queuectl: Cannot send a log: ${why}`);
      let bytes;
      try {
        bytes = await logs.read(id, attempt, at, Math.min(CHUNK, to - at));
      } catch (error) {
        return fail(messageOf(error));
      }
      // The job was removed meanwhile.
      if (bytes === undefined || bytes.length === 0) return fail(`that of job "${id}" is gone`);
      at += bytes.length;
      controller.enqueue(bytes);
      if (at >= to) controller.close();
    },
  }, { highWaterMark: 0 });
}
