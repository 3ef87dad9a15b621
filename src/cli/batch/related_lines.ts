// Lines of `enqueue --file` that wait for other jobs: those of other lines, in any order, or jobs
// that are in the queue already.
import { findCircle } from "../../queue/dependencies.ts";
import type { NewJob } from "../../queue/enqueue.ts";
import { QueueError } from "../../queue/errors.ts";
import { resolveIds } from "../../queue/resolve_after.ts";
import type { JobReader } from "../../queue/store.ts";

interface Line {
  readonly number: number;
  readonly id: string | undefined;
  readonly words: readonly string[];
}

export class RelatedLines {
  readonly #jobs: JobReader;
  readonly #lines: Line[] = [];
  /** What was typed, and the full id that it stands for. */
  readonly #meant = new Map<string, string>();

  constructor(jobs: JobReader) {
    this.#jobs = jobs;
  }

  /** Whether any line has a unique key. */
  haveKeys = false;
  /**
   * The ids on lines with a unique key. Such a line may name an existing job instead of a new one.
   */
  readonly #keyed = new Set<string>();

  note(number: number, { id, after = [], afterAny = [], unique }: NewJob): void {
    if (unique !== undefined) this.haveKeys = true;
    if (unique !== undefined && id !== undefined) this.#keyed.add(id);
    if (after.length + afterAny.length > 0) {
      this.#lines.push({ number, id, words: [...after, ...afterAny] });
    }
  }

  /**
   * Resolves the ids that lines wait for. Call it when all lines have been noted.
   *
   * @param ids the ids that lines give to their jobs, with the numbers of the lines
   *
   * @param report called for each line that is wrong
   */
  async resolve(
    ids: ReadonlyMap<string, number>,
    report: (number: number, error: unknown) => void,
  ): Promise<void> {
    for (const { number, words } of this.#lines) {
      for (const word of words) {
        if (this.#keyed.has(word) && ids.has(word)) {
          const why = `cannot wait for line ${
            ids.get(word)
          }: that line has "unique", so it may not make a new job`;
          report(number, new QueueError("usage", why));
          continue;
        }
        if (ids.has(word) || this.#meant.has(word)) continue;
        try {
          const [id] = await resolveIds(this.#jobs, [word]);
          this.#meant.set(word, id!);
        } catch (error) {
          report(number, error);
        }
      }
    }
    const named = this.#lines.filter(({ id }) => id !== undefined);
    const circle = findCircle(new Map(named.map(({ id, words }) => [id!, words])));
    if (circle === undefined) return;
    const text = circle.join(" -> ");
    report(
      ids.get(circle[0]!)!,
      new QueueError("usage", `jobs wait for one another in a circle: ${text}`),
    );
  }

  /** The same job, with full ids in place of what was typed. */
  withIds(newJob: NewJob): NewJob {
    const whole = (words: readonly string[] | undefined) =>
      words?.map((word) => this.#meant.get(word) ?? word);
    const { after, afterAny } = newJob;
    if (after === undefined && afterAny === undefined) return newJob;
    return { ...newJob, after: whole(after), afterAny: whole(afterAny) };
  }
}
