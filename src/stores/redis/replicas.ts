// Waiting until replicas have what was changed (WAIT): a failover to one of them does not lose it.
import type { Reply } from "./driver.ts";
import { TOUCH } from "./script_common.ts";

export interface ReplicaOptions {
  /** How many replicas are to have what is acknowledged; none if left out. */
  readonly replicas?: number;
  /** Milliseconds for which they are waited for. */
  readonly replicasWithin?: number;
}

/** What is asked of the server that has them. */
interface Server {
  /** Calls a script. */
  run(script: string, args: readonly string[]): Promise<Reply>;
  /**
   * Does `step`, and gives it what asks by the connection that there is now, and by no later one.
   * It is held up meanwhile.
   */
  byOneConnection<T>(step: (ask: Ask) => Promise<T>): Promise<T>;
}

/** @throws QueueError */
export type Ask = (words: readonly string[]) => Promise<Reply>;

/**
 * Milliseconds for which replicas are waited for; and once they were late, for as long as they are:
 * else a worker without a replica would end a job each five seconds.
 */
const WITHIN = 5_000;
const LATE_WITHIN = 200;

export class Replicas {
  readonly #server: Server;
  readonly #wanted: number;
  readonly #within: number;
  #areLate = false;

  constructor(server: Server, { replicas = 0, replicasWithin = WITHIN }: ReplicaOptions) {
    this.#server = server;
    this.#wanted = replicas;
    this.#within = replicasWithin;
  }

  /**
   * Does `step`, and waits until as many replicas as are wanted have what it has changed.
   * @param late told if they have not got it in time
   * @param isChange whether it has changed anything, by what it returned; `seen`: others may have, or
   *   this process by an earlier connection, and it has found that
   * @throws QueueError `unavailable` if the connection ends before that is known: the server may be
   *   another one by now, which does not have it
   */
  async confirmed<T>(
    step: () => Promise<T>,
    late: (result: T) => void = () => {},
    isChange: (result: T) => boolean | "seen" = () => true,
  ): Promise<T> {
    if (this.#wanted === 0) return await step();
    return await this.#server.byOneConnection(async (ask) => {
      const result = await step();
      const changed = isChange(result);
      if (!changed) return result;
      // From Redis 7.2 on, WAIT waits for what its own connection has changed, and for nothing else.
      if (changed === "seen") await this.#server.run(TOUCH, []);
      const within = this.#areLate ? LATE_WITHIN : this.#within;
      const count = await ask(["WAIT", String(this.#wanted), String(within)]);
      this.#areLate = Number(count) < this.#wanted;
      if (this.#areLate) late(result);
      return result;
    });
  }
}
