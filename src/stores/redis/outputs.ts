// What attempts printed: a text for each. A restore puts those of another generation in their place.
import { noJob } from "../../queue/transitions.ts";
import type { OutputTable } from "../shared/file_sender.ts";
import type { Redis } from "./connection.ts";
import { PUT_OUTPUT } from "./script_rest.ts";

export class RedisLogs implements OutputTable {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async size(id: string, attempt: number): Promise<number | undefined> {
    const key = outputKey(await generationOf(this.#redis), id, attempt);
    // The first byte says that it is there.
    const length = await this.#redis.read("STRLEN", key) as number;
    return length === 0 ? undefined : length - 1;
  }

  async read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    const key = outputKey(await generationOf(this.#redis), id, attempt);
    const [from, to] = [String(offset + 1), String(offset + length)];
    const bytes = length <= 0
      ? new Uint8Array()
      : await this.#redis.readBytes("GETRANGE", key, from, to);
    if (bytes.length > 0) return new Uint8Array(bytes);
    return await this.size(id, attempt) === undefined ? undefined : new Uint8Array();
  }

  async put(id: string, attempt: number, from: number, bytes: Uint8Array): Promise<void> {
    const args = [id, String(attempt), String(from), bytes];
    // What is there already may be said again.
    if (await this.#redis.again(() => this.#redis.run(PUT_OUTPUT, args)) === 1) return;
    throw noJob(id);
  }
}

export async function generationOf(redis: Redis): Promise<string> {
  return await redis.read("HGET", "versions", "generation") as string | null ?? "0";
}

export function outputKey(generation: string, id: string, attempt: number): string {
  return `out:${generation}:${id}/${attempt}`;
}
