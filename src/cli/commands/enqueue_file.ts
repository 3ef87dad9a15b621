// queuectl enqueue --file: enqueues all jobs of a file, or none. Every line is checked before the
// first one is enqueued. The file is read twice rather than kept, so a million lines need little
// memory.
import { enqueueAll, type JobDefaults, makeJob, type NewJob } from "../../queue/enqueue.ts";
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import type { JobStore } from "../../queue/store.ts";
import { newJobReader } from "../batch/batch_lines.ts";
import type { CommandContext } from "../command_context.ts";
import type { Context } from "../context.ts";
import { linesOf } from "../batch/lines.ts";
import { inputPath } from "../input_path.ts";
import { progressMeter } from "../progress.ts";
import { RelatedLines } from "../batch/related_lines.ts";

/** Bytes that are read at once, and bytes of ids in one buffer. */
const CHUNK = 64 * 1024;
/**
 * Up to this many ids, each is looked up while its line is checked, to report all that are taken.
 * Beyond it, the store refuses the first one that is taken.
 */
const LOOKED_UP = 10_000;

interface Source {
  readonly size: number;
  chunks(): Iterable<Uint8Array>;
  /** @throws QueueError `refused` if the content is no longer what it was */
  checkSame(): void;
}

/** Enqueues a file's jobs and prints their ids. @returns the exit code */
export async function enqueueFile(
  call: CommandContext,
  file: string,
  common: Omit<NewJob, "command">,
  now: number,
): Promise<number> {
  const { context } = call;
  const source = file === "-" ? kept(await context.stdin.readAll()) : sourceOf(context, file);
  return await call.withJobs(async (jobs, store) => {
    const settings = await (await store.settings()).load();
    const defaults: JobDefaults = { settings, now, newId: context.newId };
    const read = newJobReader(common, now);
    const related = new RelatedLines(jobs);
    const lines = await check(call, { jobs, source, read, defaults, related });
    if (lines === undefined) return 1;
    source.checkSame();

    const meter = progressMeter(context, "Enqueueing", lines);
    const ids = new IdLines();
    // A job that is not enqueued is replaced in the output by the one that has its key.
    const taken = related.haveKeys
      ? (job: Job, holder: string) => {
        ids.instead(holder);
        call.say(`queuectl: job "${holder}" has the key "${job.unique}"`);
      }
      : undefined;
    await enqueueAll(jobs, newJobsIn(source, read, related), defaults, (job) => {
      ids.add(job.id);
      meter.step();
    }, taken);
    meter.end();
    for (const text of ids.texts()) call.print(text);
    return 0;
  });
}

type ReadNewJob = (line: string) => NewJob | undefined;

interface Batch {
  readonly jobs: JobStore;
  readonly source: Source;
  readonly read: ReadNewJob;
  readonly defaults: JobDefaults;
  readonly related: RelatedLines;
}

function* newJobsIn(
  source: Source,
  read: ReadNewJob,
  related: RelatedLines,
): Iterable<NewJob> {
  for (const { text } of linesOf(source.chunks())) {
    const newJob = text === undefined ? undefined : read(text);
    if (newJob !== undefined) yield related.withIds(newJob);
  }
}

// Checks all lines and reports those that are wrong. Returns how many jobs there are, or undefined
// if a line is wrong.
async function check(
  call: CommandContext,
  { jobs, source, read, defaults, related }: Batch,
): Promise<number | undefined> {
  const meter = progressMeter(call.context, "Checking", source.size);
  const ids = new Map<string, number>();
  const checking = { ...defaults, newId: () => "any" };
  let [count, wrong, bytes] = [0, 0, 0];
  const report = (number: number, error: unknown) => {
    if (!(error instanceof QueueError)) throw error;
    meter.clear();
    call.say(`queuectl: line ${number}: ${error.message}`);
    wrong += 1;
  };
  for (const { number, text } of linesOf(source.chunks())) {
    try {
      if (text === undefined) throw new QueueError("usage", "it is not UTF-8");
      meter.to(bytes += text.length + 1);
      const newJob = read(text);
      if (newJob === undefined) continue;
      makeJob(newJob, checking, count++);
      related.note(number, newJob);
      if (newJob.id === undefined) continue;
      const earlier = ids.get(newJob.id);
      if (earlier !== undefined) {
        throw new QueueError("usage", `the id "${newJob.id}" is taken by line ${earlier}`);
      }
      ids.set(newJob.id, number);
      if (ids.size <= LOOKED_UP && await jobs.get(newJob.id) !== undefined) {
        throw new QueueError("usage", `the id "${newJob.id}" is taken by a job in the queue`);
      }
    } catch (error) {
      report(number, error);
    }
  }
  await related.resolve(ids, report);
  meter.end();
  if (wrong === 0) return count;
  call.say(
    `queuectl: nothing was enqueued: ${wrong === 1 ? "1 line is" : `${wrong} lines are`} wrong`,
  );
  return undefined;
}

function sourceOf(context: Context, file: string): Source {
  const path = inputPath(context, file);
  const info = context.files.info(path);
  // A pipe can be read only once, and a link may lead to one.
  if (info?.kind !== "file") return kept(context.readAllBytes(path));
  return {
    size: info.size,
    *chunks() {
      for (let offset = 0;;) {
        const bytes = context.files.readBytes(path, offset, CHUNK);
        if (bytes === undefined || bytes.length === 0) return;
        yield bytes;
        offset += bytes.length;
      }
    },
    checkSame() {
      const after = context.files.info(path);
      if (
        after?.size === info.size && after.modifiedAt === info.modifiedAt &&
        after.inode === info.inode
      ) {
        return;
      }
      throw new QueueError("refused", `Cannot enqueue ${file}: it was changed while it was read`);
    },
  };
}

function kept(bytes: Uint8Array): Source {
  return { size: bytes.length, chunks: () => [bytes], checkSame: () => {} };
}

// The ids to print. A million take 100 MB as strings and 37 MB as bytes. They are encoded one by
// one, since joining strings first would leave 40 MB of garbage.
class IdLines {
  readonly #encoder = new TextEncoder();
  readonly #full: Uint8Array[] = [];
  #chunk = new Uint8Array(CHUNK);
  #used = 0;

  add(id: string): void {
    if (this.#used + id.length >= CHUNK) {
      this.#full.push(this.#chunk.subarray(0, this.#used));
      this.#chunk = new Uint8Array(CHUNK);
      this.#used = 0;
    }
    // An id is ASCII: as many bytes as characters.
    this.#used += this.#encoder.encodeInto(`${id}\n`, this.#chunk.subarray(this.#used)).written;
  }

  /** Replaces the last id. */
  instead(id: string): void {
    this.#used = this.#chunk.lastIndexOf(0x0a, this.#used - 2) + 1;
    this.add(id);
  }

  texts(): Uint8Array[] {
    return [...this.#full, this.#chunk.subarray(0, this.#used)];
  }
}
