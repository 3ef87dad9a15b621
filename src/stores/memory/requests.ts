// The reference implementation of the port for requests. Methods are async although they wait for
// nothing, so that errors become rejections.
// deno-lint-ignore-file require-await
import type { Requests, StopKind } from "../../queue/requests.ts";
import { delay } from "../../system/delay.ts";

/** Milliseconds between looks if no timeout is given. */
const SLOW_POLL = 1000;

export class MemoryRequests implements Requests {
  readonly #stops = new Map<string, Set<StopKind>>();
  readonly #cancels = new Set<string>();
  #news = new AbortController();

  async requestStop(name: string, kind: StopKind): Promise<void> {
    this.#stops.set(name, (this.#stops.get(name) ?? new Set()).add(kind));
    this.#tell();
  }

  async stopRequested(name: string): Promise<StopKind | undefined> {
    const kinds = this.#stops.get(name);
    return kinds?.has("force") ? "force" : kinds?.has("graceful") ? "graceful" : undefined;
  }

  async clearStop(name: string): Promise<void> {
    this.#stops.delete(name);
  }

  async requestCancel(id: string): Promise<void> {
    this.#cancels.add(id);
    this.#tell();
  }

  async cancelRequests(): Promise<string[]> {
    return [...this.#cancels];
  }

  async clearCancel(id: string): Promise<void> {
    this.#cancels.delete(id);
  }

  async wait(timeout = SLOW_POLL, signal?: AbortSignal): Promise<void> {
    const either = AbortSignal.any([this.#news.signal, ...(signal ? [signal] : [])]);
    await delay(timeout, either);
  }

  close(): void {}

  #tell(): void {
    this.#news.abort();
    this.#news = new AbortController();
  }
}
