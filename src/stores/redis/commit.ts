// A change of the store that is made if nothing that it relies on has changed: checks, and steps. It is
// one script, so that it is done as a whole or not at all.
import { type Awaited, stillAwaitedBy } from "../../queue/dependencies.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import type { LastPiece } from "../shared/last_pieces.ts";
import type { Redis } from "./connection.ts";
import type { Argument } from "./driver.ts";
import { entriesOf, type Entry } from "./entries.ts";
import { encode, type Stored } from "./record.ts";
import { CHANGE } from "./script_change.ts";

/** Why a change was not made. */
export interface Failed {
  /** What was checked. */
  readonly key: string;
  readonly field: string;
  readonly there: string;
}

export class Commit {
  readonly #checks: string[] = [];
  readonly #checked: [key: string, field: string][] = [];
  readonly steps: Argument[] = [];

  /** A field of a hash is still as it was. */
  same(key: string, field: string, value: string): this {
    this.#checked.push([key, field]);
    this.#checks.push("=", key, field, value);
    return this;
  }

  /** A hash does not have that field. */
  absent(key: string, field: string): this {
    this.#checked.push([key, field]);
    this.#checks.push("!", key, field);
    return this;
  }

  /** A hash has that field. */
  exists(key: string, field: string): this {
    this.#checked.push([key, field]);
    this.#checks.push("?", key, field);
    return this;
  }

  /** Nobody waits for that job. */
  unawaited(id: string): this {
    this.#checked.push(["waits", id]);
    this.#checks.push("~", id);
    return this;
  }

  /** A job is still as it was. */
  sameJob({ job: { id }, record, running }: Stored): this {
    this.same("jobs", id, record);
    return running === undefined ? this.absent("running", id) : this.same("running", id, running);
  }

  set(key: string, field: string, value: string): this {
    this.steps.push("set", key, field, value);
    return this;
  }

  unset(key: string, field: string): this {
    this.steps.push("unset", key, field);
    return this;
  }

  /** Another step, as script_change.ts has them. */
  step(...words: string[]): this {
    this.steps.push(...words);
    return this;
  }

  /**
   * Tells those who wait for news about a topic. The first of the steps: where a user may not do that,
   * nothing is changed. It is heard when all is done.
   */
  say(topic: string): this {
    this.steps.unshift("say", `talk:${topic}`, "");
    return this;
  }

  /**
   * Adds to what an attempt has printed. The first of the steps: where the memory is full, nothing is
   * changed.
   */
  print(id: string, { attempt, from, bytes }: LastPiece): this {
    this.steps.unshift("print", id, String(attempt), String(from), bytes);
    return this;
  }

  /** A new job, in all its places. */
  put(job: Job): this {
    this.set("jobs", job.id, encode(job));
    for (const { key, score, member } of entriesOf(job)) this.step("+", key, text(score), member);
    if (job.unique !== null && !hasEnded(job)) this.set("keys", job.unique, job.id);
    for (const awaited of stillAwaitedBy(job)) this.step("await", ...waitOf(awaited, job.id));
    return this;
  }

  /**
   * What becomes of a job. Those who wait for it are to be told, if it has ended. What goes comes first:
   * a script that has begun to remove may go on where the memory is full. So jobs can end there, and be
   * called off to make room.
   */
  replace(before: Stored, after: Job): this {
    const { id, unique, status } = after;
    if (before.running !== undefined) this.unset("running", id);
    const { left, joined } = movesOf(before.job, after);
    for (const entry of left) this.#leave(entry);
    this.set("jobs", id, encode(after));
    for (const { key, score, member } of joined) this.step("+", key, text(score), member);
    if (unique !== null && hasEnded(before.job) !== hasEnded(after)) {
      if (hasEnded(after)) this.unset("keys", unique);
      else this.set("keys", unique, id);
    }
    const waits = new Set(stillAwaitedBy(after).map((awaited) => waitOf(awaited, id).join("/")));
    for (const awaited of stillAwaitedBy(before.job)) {
      const member = waitOf(awaited, id).join("/");
      if (!waits.has(member)) this.step("-", "waits", member);
    }
    const isUnawaited = this.#checked.some(([key, field]) => key === "waits" && field === id);
    if (hasEnded(after) && !isUnawaited) this.step("ended", id, status.state);
    return this;
  }

  /** Takes a job away. Those who wait for it are to be told. */
  remove({ job }: Stored): this {
    this.unset("jobs", job.id);
    for (const entry of entriesOf(job)) this.#leave(entry);
    if (job.unique !== null && !hasEnded(job)) this.unset("keys", job.unique);
    for (const awaited of stillAwaitedBy(job)) {
      this.step("-", "waits", waitOf(awaited, job.id).join("/"));
    }
    return this.step("ended", job.id, "removed");
  }

  /** The words of a script's arguments. */
  get words(): Argument[] {
    const { length } = this.#checked;
    return [String(length), ...this.#checks, String(this.steps.length), ...this.steps];
  }

  /** What was checked by the check with that number, counted from 1. */
  failed(number: number, there: string): Failed {
    const [key, field] = this.#checked[number - 1]!;
    return { key, field, there };
  }

  /** @returns why nothing was changed; else whether somebody is to be told of an end */
  async run(redis: Redis): Promise<Failed | { readonly owes: boolean }> {
    const [number, rest] = await redis.run(CHANGE, this.words) as [number, unknown];
    return number === 0 ? { owes: rest === 1 } : this.failed(number, String(rest));
  }

  #leave({ key, member }: Entry): void {
    this.step("-", key, member);
    // It was moved there if it has fallen due.
    if (key === "later") this.step("-", "ready", member);
  }
}

/** The entries of a job that go, and those that come or change. */
function movesOf(before: Job, after: Job): { left: readonly Entry[]; joined: readonly Entry[] } {
  // There are half a dozen of each: a map of them would cost more than it saves.
  const left = entriesOf(before);
  const joined = entriesOf(after).filter((entry) => {
    const place = left.findIndex(({ key, member }) => key === entry.key && member === entry.member);
    const known = place === -1 ? undefined : left.splice(place, 1)[0];
    return known?.score !== entry.score;
  });
  return { left, joined };
}

/** Whether a change was not made. */
export function isFailed(result: Failed | { readonly owes: boolean }): result is Failed {
  return "key" in result;
}

function waitOf({ id, any }: Awaited, job: string): [string, string, string] {
  return [id, any ? "1" : "0", job];
}

function text(score: number): string {
  return Number.isFinite(score) ? String(score) : score > 0 ? "+inf" : "-inf";
}
