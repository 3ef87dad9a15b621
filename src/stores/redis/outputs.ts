// What attempts printed: a text for each. A restore puts those of another generation in their place.
import { QueueError } from "../../queue/errors.ts";
import type { OutputTable } from "../shared/file_sender.ts";
import type { Redis } from "./connection.ts";
import { PUT_OUTPUT } from "./scripts.ts";

export class RedisLogs implements OutputTable {
  readonly #redis: Redis;
  /** It changes by a restore alone, while no worker is there. */
  #generation: Promise<string> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async size(id: string, attempt: number): Promise<number | undefined> {
    const key = await this.#key(id, attempt);
    // The first byte says that it is there: texts without any are not kept.
    const length = await this.#redis.read("STRLEN", key) as number;
    return length === 0 ? undefined : length - 1;
  }

  async read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    const key = await this.#key(id, attempt);
    const [from, to] = [String(offset + 1), String(offset + length)];
    const bytes = length <= 0
      ? new Uint8Array()
      : await this.#redis.askBytes("GETRANGE", key, from, to);
    if (bytes.length > 0) return new Uint8Array(bytes);
    return await this.size(id, attempt) === undefined ? undefined : new Uint8Array();
  }

  async put(id: string, attempt: number, from: number, bytes: Uint8Array): Promise<void> {
    const key = await this.#key(id, attempt);
    const isFirst = from === 0;
    const all = new Uint8Array(bytes.length + 1);
    all.set(bytes, 1);
    const args = [id, key, String(isFirst ? 0 : from + 1), isFirst ? all : bytes];
    if (await this.#redis.run(PUT_OUTPUT, args) === 1) return;
    throw new QueueError("not_found", `No job "${id}"`);
  }

  async #key(id: string, attempt: number): Promise<string> {
    this.#generation ??= generationOf(this.#redis);
    return outputKey(await this.#generation, id, attempt);
  }
}

export async function generationOf(redis: Redis): Promise<string> {
  return await redis.read("HGET", "versions", "generation") as string | null ?? "0";
}

export function outputKey(generation: string, id: string, attempt: number): string {
  return `out:${generation}:${id}:${attempt}`;
}

/** The keys of all output that a job may have. */
export async function outputKeys(redis: Redis, id: string, attempts: number): Promise<string[]> {
  if (attempts === 0) return [];
  const generation = await generationOf(redis);
  return Array.from({ length: attempts }, (_, i) => outputKey(generation, id, i + 1));
}
