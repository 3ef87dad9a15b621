// The leases of hosts, by the clock of the server.
import type { LeaseView } from "../../queue/leases.ts";
import type { Beat, BeatingHost, Leases } from "../shared/host_keeper.ts";
import type { Redis } from "./connection.ts";
import { parseHost } from "./places.ts";
import { BEAT, DECLARE_GONE } from "./script_rest.ts";

export class RedisLeases implements Leases {
  readonly #redis: Redis;
  readonly #settle: () => Promise<void>;

  /** @param settle done when hosts were declared gone, or had been */
  constructor(redis: Redis, settle: () => Promise<void>) {
    this.#redis = redis;
    this.#settle = settle;
  }

  async beat(
    host: BeatingHost,
    fallback: number,
    ages: ReadonlyMap<string, number>,
  ): Promise<Beat> {
    const own = [host.id, host.hostname, host.guarded ? "1" : "0", String(fallback)];
    const seen = [...ages].flatMap(([name, age]) => [name, String(Math.round(age))]);
    const [now, lease, epoch, server, others, strays] = await this.#redis.run(BEAT, [
      ...own,
      ...seen,
    ]) as [
      number,
      string,
      string,
      string,
      string[],
      number,
    ];
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
    await this.#settle();
  }

  async close(): Promise<void> {
    await this.#redis.close();
  }
}
