// The requests that stop a `start`: `queuectl stop`, signals, and its timeout.
import type { Requests } from "../../queue/requests.ts";
import type { WorkerLock } from "../../queue/workers.ts";
import type { WorkerEvent } from "../../queue/worker_event.ts";
import { afterMilliseconds } from "../../system/delay.ts";
import { ignoredSignals } from "../../system/signals.ts";

export interface StopParts {
  readonly requests: Requests;
  readonly lock: WorkerLock;
  /** Seconds after which `start` stops by itself. */
  readonly timeout: number | undefined;
  readonly report: (event: WorkerEvent) => void;
}

/** Listens for requests until `close` is called, and writes heartbeats meanwhile. */
export class StopRequests {
  readonly #stopping = new AbortController();
  readonly #force = new AbortController();
  readonly #closed = new AbortController();
  readonly #report: (event: WorkerEvent) => void;
  #undo: (() => void)[] = [];
  #listening: Promise<void> = Promise.resolve();

  private constructor(report: (event: WorkerEvent) => void) {
    this.#report = report;
  }

  static async listen({ requests, lock, timeout, report }: StopParts): Promise<StopRequests> {
    const stop = new StopRequests(report);
    const ignored = await ignoredSignals(["HUP", "INT"]);
    stop.#undo.push(onSignals(ignored, stop.stopping, (...asked) => stop.#ask(...asked)));
    if (timeout !== undefined) {
      const end = () => stop.#ask(`after ${timeout} s`, false);
      stop.#undo.push(afterMilliseconds(timeout * 1000, end));
    }
    stop.#listening = stop.#hear(requests, lock);
    return stop;
  }

  /** Aborts when no more jobs are to be taken. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborts when running jobs are to be killed. */
  get force(): AbortSignal {
    return this.#force.signal;
  }

  async close(): Promise<void> {
    for (const undo of this.#undo) undo();
    this.#closed.abort();
    await this.#listening;
  }

  #ask(reason: string, isForced: boolean): void {
    if (this.force.aborted || this.stopping.aborted && !isForced) return;
    this.#report({ kind: "supervisor_stopping", reason, force: isForced });
    this.#stopping.abort();
    if (isForced) this.#force.abort();
  }

  async #hear(requests: Requests, lock: WorkerLock): Promise<void> {
    const closed = this.#closed.signal;
    while (!closed.aborted) {
      try {
        const kind = await requests.stopRequested(lock.name);
        if (kind !== undefined) this.#ask("queuectl stop", kind === "force");
        await lock.heartbeat();
      } catch {
        // The disk is full, or the folder is gone. Signals still reach this process.
      }
      await requests.wait(undefined, closed);
    }
  }
}

/**
 * The first Ctrl-C or SIGTERM is graceful, the second one is forced. SIGHUP never forces, since a
 * closing terminal sends several.
 */
function onSignals(
  ignored: ReadonlySet<string>,
  stopping: AbortSignal,
  ask: (reason: string, force: boolean) => void,
): () => void {
  let hungUp = false;
  const hear = (signal: string) => {
    const isForced = stopping.aborted && signal !== "HUP" && !hungUp;
    hungUp = signal === "HUP" && (hungUp || !stopping.aborted);
    ask(signal === "INT" ? "Ctrl-C" : `SIG${signal}`, isForced);
  };
  const names = Deno.build.os === "windows" ? ["INT", "BREAK"] : ["INT", "TERM", "HUP"];
  const listeners = names.map((name) => ({
    signal: `SIG${name}` as Deno.Signal,
    // With its first listener Deno starts to handle all of these signals, and ends at those without
    // a listener. So ignored ones need a listener too.
    hear: () => ignored.has(name) || hear(name),
  }));
  for (const { signal, hear } of listeners) Deno.addSignalListener(signal, hear);
  return () => {
    for (const { signal, hear } of listeners) Deno.removeSignalListener(signal, hear);
  };
}
