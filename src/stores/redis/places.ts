// The places of workers, as fields of hashes: whose they are, who has them, and when each was seen.
import { QueueError } from "../../queue/errors.ts";
import type { WorkerIdentity, WorkerInfo } from "../../queue/workers.ts";
import type { WorkerPlaces } from "../shared/host_workers.ts";
import type { LostPlaces } from "../shared/settle_lost.ts";
import { Commit, isFailed } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { ALL_PLACES } from "./script_rest.ts";

type Texts = Readonly<Record<string, string>>;

export class RedisPlaces implements WorkerPlaces {
  readonly #redis: Redis;
  readonly #hostId: string;

  constructor(redis: Redis, hostId: string | undefined) {
    this.#redis = redis;
    this.#hostId = hostId ?? "";
  }

  async takenElsewhere(): Promise<string[]> {
    const [places, lost] = await Promise.all([
      this.#redis.read("HGETALL", "places"),
      this.#redis.read("HKEYS", "lost"),
    ]) as [Texts, string[]];
    const others = Object.entries(places).filter(([, host]) => host !== this.#hostId);
    return [...others.map(([name]) => name), ...lost];
  }

  async take(name: string): Promise<boolean> {
    for (;;) {
      const host = await this.#hostOf(name);
      if (host !== null && host !== this.#hostId) return false;
      const commit = new Commit().absent("lost", name).exists("hosts", this.#hostId);
      if (host === null) commit.absent("places", name);
      else commit.same("places", name, host);
      commit.set("places", name, this.#hostId);
      forget(commit, name);
      const result = await this.#redis.again(() => commit.run(this.#redis));
      if (!isFailed(result)) return true;
      if (result.key === "lost") return false;
      if (result.key === "hosts") {
        throw new QueueError("claim_lost", "This host was taken for gone a moment ago");
      }
    }
  }

  async isOurs(name: string): Promise<boolean> {
    return await this.#hostOf(name) === this.#hostId;
  }

  async announce(name: string, { pid, startedAt, ready = false }: WorkerIdentity): Promise<void> {
    const commit = new Commit().same("places", name, this.#hostId)
      .set("workers", name, JSON.stringify({ pid, startedAt, ready })).step("now", "seen", name);
    await this.#redis.again(() => commit.run(this.#redis));
  }

  async leave(name: string): Promise<void> {
    const commit = new Commit().same("places", name, this.#hostId).unset("places", name);
    forget(commit, name);
    await this.#redis.again(() => commit.run(this.#redis));
  }

  async elsewhere(): Promise<WorkerInfo[]> {
    const [now, ...all] = await this.#redis.again(() => this.#redis.run(ALL_PLACES, [])) as [
      number,
      ...string[][],
    ];
    const [places, workers, seen, hosts] = all.map(pairs) as [Texts, Texts, Texts, Texts];
    return Object.entries(places).flatMap(([name, hostId]) => {
      const host = hosts[hostId] === undefined ? undefined : parseHost(hosts[hostId]);
      if (hostId === this.#hostId || host === undefined || host.until <= now) return [];
      const { pid = 0, startedAt = 0, ready = false } = JSON.parse(workers[name] ?? "{}");
      const lastSeenAt = Number(seen[name] ?? startedAt);
      return [{ name, pid, host: host.name, startedAt, lastSeenAt, ready, isElsewhere: true }];
    });
  }

  async #hostOf(name: string): Promise<string | null> {
    return await this.#redis.read("HGET", "places", name) as string | null;
  }
}

/** What was known of the one who had that name, and was asked of it. */
function forget(commit: Commit, name: string): void {
  commit.unset("workers", name).unset("seen", name)
    .unset("requests", `graceful ${name}`).unset("requests", `force ${name}`);
}

/** A host as the script BEAT in script_rest.ts writes it. */
export function parseHost(text: string) {
  const [beat, lease, until, since, guarded, ...name] = text.split(" ");
  return {
    beat: Number(beat),
    lease: Number(lease),
    until: Number(until),
    since: since!,
    guarded: guarded === "1",
    name: name.join(" "),
  };
}

/** What a script returns of a hash. */
function pairs(flat: readonly string[]): Texts {
  const entries: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) entries.push([flat[i]!, flat[i + 1]!]);
  return Object.fromEntries(entries);
}

/** Those that have no place any more. */
export function lostPlaces(redis: Redis): LostPlaces {
  return {
    list: async () => {
      // In this order: who has a job had its place before.
      const running = await redis.read("HVALS", "running") as string[];
      const [places, lost] = await Promise.all([
        redis.read("HKEYS", "places"),
        redis.read("HGETALL", "lost"),
      ]) as [string[], Texts];
      const known = new Set([...places, ...Object.keys(lost)]);
      const others = new Set(running.map((claim) => claim.split(" ")[2]!));
      return [
        ...Object.entries(lost).map(([name, lostWith]) => ({ name, lostWith })),
        ...[...others].filter((name) => !known.has(name))
          .map((name) => ({ name, lostWith: null })),
      ];
    },
    forget: async (name) => {
      await redis.ask("HDEL", "lost", name);
    },
  };
}
