// The claim of a job and the end of its run: one script each, or one for both.
import type { Claim, Job } from "../../queue/job.ts";
import { type Asked, type ClaimSteps, type Found, PlaceLost } from "../shared/claims.ts";
import { moveAll } from "./asking.ts";
import { Commit } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { decode, type Stored } from "./record.ts";
import { CHANGE_AND_CLAIM, CLAIM_ONE } from "./script_claim.ts";

type ClaimReply = ["job", string, string, number] | ["expired", string] | [string];

export class RedisClaimSteps implements ClaimSteps {
  readonly #redis: Redis;
  readonly #get: (id: string) => Promise<Job | undefined>;
  /** Jobs that were claimed here, as they are in the store. */
  readonly #claimed = new WeakMap<Job, Stored>();

  constructor(redis: Redis, get: (id: string) => Promise<Job | undefined>) {
    this.#redis = redis;
    this.#get = get;
  }

  async claim(asked: Asked): Promise<Found | undefined> {
    for (;;) {
      const reply = await this.#redis.replicas.confirmed(
        () => this.#redis.run(CLAIM_ONE, argumentsOf(asked)) as Promise<ClaimReply>,
        () => {}, // it begins all the same
        ([what]) => what === "job",
      );
      switch (reply[0]) {
        case "job":
          return this.#found(reply as ["job", string, string, number]);
        case "expired": {
          const job = await this.#get(reply[1]!);
          if (job !== undefined && job.status.state !== "processing") return { job, awaited: true };
          break;
        }
        case "batch":
          await moveAll(this.#redis);
          break;
        case "place":
          throw new PlaceLost(`${asked.by.worker} has lost its place`);
        case "none":
          return undefined;
      }
    }
  }

  finish(before: Job, after: Job, claim: Claim): ReturnType<ClaimSteps["finish"]> {
    const stored = this.#claimed.get(before);
    const isSame = stored !== undefined && before.status.state === "processing" &&
      before.status.running.startedAt === claim.startedAt;
    if (!isSame) return undefined;
    const commit = new Commit().same("running", before.id, stored.running!).unawaited(before.id)
      .replace(stored, after);
    return async (output, next) => {
      if (output !== undefined) commit.print(before.id, output);
      const args = [...commit.words, after.queue, ...(next === undefined ? [] : argumentsOf(next))];
      const [number, gated, reply] = await this.#redis.replicas.confirmed(() =>
        this.#redis.run(CHANGE_AND_CLAIM, args)
      ) as [number, unknown, ClaimReply];
      if (number !== 0) return { gated: null };
      const found = reply[0] === "job"
        ? this.#found(reply as ["job", string, string, number])
        : undefined;
      return { gated: gated === 1, next: found };
    };
  }

  #found([, record, running, awaited]: ["job", string, string, number]): Found {
    const stored = decode(record, running);
    this.#claimed.set(stored.job, stored);
    return { job: stored.job, awaited: awaited === 1 };
  }
}

function argumentsOf({ by, at, queues, host }: Asked): string[] {
  const time = at === undefined ? "" : String(at);
  const served = queues === undefined ? [] : [...queues];
  return [
    by.worker,
    String(by.pid),
    by.host,
    time,
    host ?? "",
    // None at all may be served.
    String(queues === undefined ? -1 : served.length),
    ...served,
  ];
}
