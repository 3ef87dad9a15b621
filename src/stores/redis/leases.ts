// The leases of hosts, by the clock of the server.
import type { LeaseView } from "../../queue/leases.ts";
import type { Beat, BeatingHost, Leases } from "../shared/host_keeper.ts";
import { fewReplicas } from "./cautions.ts";
import type { Redis } from "./connection.ts";
import { parseInfo } from "./greeting.ts";
import { parseHost } from "./places.ts";
import { BEAT, DECLARE_GONE } from "./script_rest.ts";

export interface RedisLeasesParts {
  /** Done when hosts were declared gone, or had been. */
  readonly settle: () => Promise<void>;
  /** How many replicas are to have what is acknowledged. */
  readonly replicas?: number;
  readonly warn?: (message: string) => void;
}

export class RedisLeases implements Leases {
  readonly #redis: Redis;
  readonly #parts: RedisLeasesParts;
  /** What was said of too few replicas; undefined before the first look, for which `start` speaks. */
  #said: string | undefined;

  constructor(redis: Redis, parts: RedisLeasesParts) {
    this.#redis = redis;
    this.#parts = parts;
  }

  async beat(
    host: BeatingHost,
    fallback: number,
    ages: ReadonlyMap<string, number>,
  ): Promise<Beat> {
    const own = [host.id, host.hostname, host.guarded ? "1" : "0", String(fallback)];
    const seen = [...ages].flatMap(([name, age]) => [name, String(Math.round(age))]);
    const [now, lease, epoch, server, others, strays, replication] = await this.#redis.run(BEAT, [
      ...own,
      ...seen,
    ]) as [
      number,
      string,
      string,
      string,
      string[],
      number,
      string,
    ];
    this.#lookAtReplicas(replication);
    const views: LeaseView[] = [];
    for (let i = 0; i < others.length; i += 2) {
      const [id, other] = [others[i]!, parseHost(others[i + 1]!)];
      if (id === host.id) continue;
      const { beat, lease, guarded, until } = other;
      views.push({ id, beat, lease, guarded, hasRunOut: until < now });
    }
    return { lease: Number(lease), epoch, server, others: views, hasStrays: strays === 1 };
  }

  /** Takes hosts for gone, unless they have given a sign of life meanwhile. */
  async settle(gone: readonly LeaseView[]): Promise<void> {
    for (const { id, beat } of gone) await this.#redis.run(DECLARE_GONE, [id, String(beat)]);
    await this.#parts.settle();
  }

  /** Says it when replicas are gone, and when they are back. */
  #lookAtReplicas(replication: string): void {
    const { replicas = 0, warn = () => {} } = this.#parts;
    if (replicas === 0) return;
    const few = fewReplicas(parseInfo(replication), replicas) ?? "";
    const before = this.#said;
    this.#said = few;
    if (before === undefined || (few === "") === (before === "")) return;
    warn(`${this.#redis.name}: ${few || `all ${replicas} wanted replicas follow it again`}`);
  }

  async close(): Promise<void> {
    await this.#redis.close();
  }
}
