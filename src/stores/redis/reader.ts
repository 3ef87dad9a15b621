// What can be seen of the jobs: each look is one step of the server.
import { type EndedState, type Job, JOB_STATES, type JobState } from "../../queue/job.ts";
import { latestFailures } from "../../queue/failures.ts";
import { compareArrival } from "../../queue/order.ts";
import type {
  Arrival,
  Counts,
  JobReader,
  Query,
  WaitingEnds,
  Watching,
} from "../../queue/store.ts";
import { listInPages } from "../shared/list_in_pages.ts";
import { askScript, readJobs } from "./asking.ts";
import type { Redis } from "./connection.ts";
import { arrivalText, timeText } from "./entries.ts";
import { decode } from "./record.ts";
import { COUNT, PAGE, WAITING_ENDS } from "./script_read.ts";

/** Jobs that are read at once: the server does nothing else meanwhile. */
const MOST = 1000;

export class RedisReader implements JobReader {
  protected readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async get(id: string): Promise<Job | undefined> {
    return (await readJobs(this.redis, [id])).jobs[0]?.job;
  }

  async findIdsByPrefix(prefix: string, limit: number): Promise<string[]> {
    await askScript(this.redis, COUNT, []); // a batch that is published is there
    const found = await this.redis.read(
      "ZRANGEBYLEX",
      "ids",
      `[${prefix}`,
      `(${prefix}\u007f`,
      "LIMIT",
      "0",
      String(Math.min(limit, Number.MAX_SAFE_INTEGER)),
    );
    return found as string[];
  }

  list(query: Query, watching?: Watching): AsyncIterable<Job> {
    return listInPages(query, watching, {
      most: MOST,
      isExact: query.command === undefined && query.queue === undefined &&
        query.endedBefore === undefined && query.exitCode === undefined &&
        (query.group === undefined || query.states === undefined),
      page: (last, size) => this.#page(query, last, size),
    });
  }

  async count(): Promise<Counts> {
    const counts = await askScript(this.redis, COUNT, JOB_STATES) as number[];
    return Object.fromEntries(JOB_STATES.map((state, i) => [state, counts[i]!])) as Record<
      JobState,
      number
    >;
  }

  async idsEndedBefore(
    states: readonly EndedState[],
    before: number,
    limit: number,
  ): Promise<string[]> {
    const found: string[] = [];
    for (const state of states) {
      const high = before === Infinity ? "+inf" : `(${before}`;
      const most = String(Math.min(limit - found.length, Number.MAX_SAFE_INTEGER));
      const ids = await this.redis
        .read("ZRANGEBYSCORE", `ended:${state}`, "-inf", high, "LIMIT", "0", most);
      found.push(...ids as string[]);
    }
    return found;
  }

  async countEndedSince(since: number): Promise<Record<EndedState, number>> {
    const low = Number.isFinite(since) ? String(since) : since > 0 ? "+inf" : "-inf";
    const count = async (state: EndedState) =>
      await this.redis.read("ZCOUNT", `ended:${state}`, low, "+inf") as number;
    const [completed, dead, cancelled] = await Promise.all([
      count("completed"),
      count("dead"),
      count("cancelled"),
    ]);
    return { completed, dead, cancelled };
  }

  async waitingEnds(now: number): Promise<WaitingEnds> {
    const [oldest, next] = await askScript(this.redis, WAITING_ENDS, [String(now)]) as [
      string,
      string[],
    ];
    const { jobs } = await readJobs(this.redis, [oldest || "-", ...next]);
    const [first, ...others] = jobs.map((known) => known?.job);
    const found = others.filter((job) => job !== undefined).sort(compareArrival);
    return { oldest: first, next: found[0] };
  }

  async lastFailures(limit: number): Promise<Job[]> {
    if (limit <= 0) return [];
    const ids = await this.redis
      .read("ZREVRANGE", "ended:dead", "0", String(Math.min(limit, MOST) - 1)) as string[];
    const dead = ids.length === 0 ? [] : (await readJobs(this.redis, ids)).jobs;
    const retrying = await Array.fromAsync(this.list({ states: ["failed"] }));
    return latestFailures([...retrying, ...dead.flatMap((known) => known?.job ?? [])], limit);
  }

  async claimedBy(worker: string): Promise<Job[]> {
    const all = await this.redis.read("HGETALL", "running") as Record<string, string>;
    const ids = Object.entries(all)
      .filter(([, claim]) => claim.split(" ")[2] === worker).map(([id]) => id);
    if (ids.length === 0) return [];
    const { jobs } = await readJobs(this.redis, ids);
    return jobs.flatMap((known) =>
      known?.job.status.state === "processing" && known.job.status.running.worker === worker
        ? [known.job]
        : []
    );
  }

  async dependentsOf(id: string): Promise<string[]> {
    const members = await this.redis.read("ZRANGEBYLEX", "waits", `[${id}/`, `(${id}0`) as string[];
    return members.map((member) => member.split("/")[2]!);
  }

  async close(): Promise<void> {}

  /** The next jobs that may be meant, newest first. */
  async #page(query: Query, last: Arrival | undefined, size: number): Promise<Job[]> {
    const { states, group, since } = query;
    const which = group !== undefined
      ? ["groups", group]
      : states !== undefined
      ? ["states", ...new Set(states)]
      : ["arrivals"];
    const [records, running] = await askScript(this.redis, PAGE, [
      String(size),
      last === undefined ? "" : arrivalText(last),
      since === undefined || since === -Infinity ? "" : timeText(since),
      ...which,
    ]) as [(string | null)[], (string | null)[]];
    return records.flatMap((record, i) => record === null ? [] : [decode(record, running[i]).job]);
  }
}
