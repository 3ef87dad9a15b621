// Who listens to which channel of a connection.

export type Heard = (payload: string) => void;

export class Listeners {
  readonly #heard = new Map<string, Set<Heard>>();

  /** The channels that somebody listens to. */
  get channels(): readonly string[] {
    return [...this.#heard.keys()];
  }

  /** @returns whether it is the first one of that channel */
  add(channel: string, heard: Heard): boolean {
    const all = this.#heard.get(channel) ?? new Set();
    this.#heard.set(channel, all.add(heard));
    return all.size === 1;
  }

  /** @returns whether it was the last one of that channel */
  remove(channel: string, heard: Heard): boolean {
    const all = this.#heard.get(channel);
    if (all?.delete(heard) !== true || all.size > 0) return false;
    return this.#heard.delete(channel);
  }

  tell(channel: string, payload: string): void {
    for (const heard of this.#heard.get(channel) ?? []) heard(payload);
  }

  /** Tells all that they may have missed something. */
  wake(): void {
    for (const channel of this.channels) this.tell(channel, "");
  }

  clear(): void {
    this.#heard.clear();
  }
}
