// The requests that stop a `start`: `queuectl stop`, signals, and its timeout.
import { isUnavailable } from "../../queue/errors.ts";
import type { Requests } from "../../queue/requests.ts";
import type { WorkerLock } from "../../queue/workers.ts";
import type { WorkerEvent } from "../../queue/worker_event.ts";
import { afterMilliseconds } from "../../system/delay.ts";

export interface StopParts {
  readonly requests: Requests;
  readonly lock: WorkerLock;
  /** Seconds after which `start` stops by itself. */
  readonly timeout: number | undefined;
  readonly report: (event: WorkerEvent) => void;
  /** The signals that this process was started to ignore; see `ignoredSignals`. */
  readonly ignored: ReadonlySet<string>;
  /** What users call the store. */
  readonly store: string;
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

  static listen(parts: StopParts): StopRequests {
    const { timeout, report, ignored } = parts;
    const stop = new StopRequests(report);
    stop.#undo.push(onSignals(ignored, stop.stopping, (...asked) => stop.#ask(...asked)));
    if (timeout !== undefined) {
      const end = () => stop.#ask(`after ${timeout} s`, false);
      stop.#undo.push(afterMilliseconds(timeout * 1000, end));
    }
    stop.#listening = stop.#hear(parts);
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

  async #hear({ requests, lock, store }: StopParts): Promise<void> {
    const closed = this.#closed.signal;
    let isAway = false;
    while (!closed.aborted) {
      try {
        const kind = await requests.stopRequested(lock.name);
        if (kind !== undefined) this.#ask("queuectl stop", kind === "force");
        await lock.heartbeat();
        if (isAway) this.#report({ kind: "store_back", store });
        isAway = false;
      } catch (error) {
        // The disk is full, or the store is gone. Signals still reach this process.
        if (isUnavailable(error) && !isAway) {
          this.#report({ kind: "store_away", message: error.message });
          isAway = true;
        }
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
