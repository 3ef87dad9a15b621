// Fetches the output of one attempt in parts: its end first, then what is added, and earlier parts
// on demand.
import { type Signal, signal } from "@preact/signals";
import { jobPath, type Problem, problemOf, request } from "../api.ts";
import { watchLog } from "../live.ts";
import { fromLineStart, lastLines, LogText } from "../log_text.ts";

/** How many bytes of the end are fetched first, and at least for “more”. */
const FIRST = 256 * 1024;
/** The most bytes that are kept of an output that keeps growing. */
const MOST = 16 * 1024 * 1024;
/**
 * The most lines that are kept. Browsers can't lay out more than some 18 (Firefox) or 33 million
 * pixels: beyond that all lines are in one place, all are drawn, and the page hangs.
 */
const MOST_LINES = 300_000;

export interface LogView {
  readonly text: LogText;
  /** The size of the whole output in bytes. */
  readonly size: number;
  /** Whether the attempt is still running. */
  readonly isRunning: boolean;
  /** Whether no more lines can be shown. */
  readonly isFull: boolean;
  /** Increases with each change: `text` stays the same object while it grows. */
  readonly version: number;
}

export class LogSource {
  readonly view: Signal<LogView | undefined> = signal(undefined);
  readonly problem: Signal<Problem | undefined> = signal(undefined);
  readonly isLoading = signal(true);
  readonly #path: string;
  readonly #ending = new AbortController();
  readonly #unwatch: () => void;
  /** The size according to the last event. */
  #told = 0;
  #isRunning: boolean;
  #isFetching = false;

  constructor(id: string, attempt: number, isRunning: boolean) {
    this.#path = jobPath(id, `/logs?attempt=${attempt}`);
    this.#isRunning = isRunning;
    this.#unwatch = watchLog(id, attempt, ({ size, running }) => {
      this.#told = size;
      this.#isRunning = running;
      if (this.view.value) this.#show(this.view.value.text);
      void this.#catchUp();
    });
    void this.#exclusively(() => this.#fetchFrom(`-${FIRST}`));
  }

  close(): void {
    this.#unwatch();
    this.#ending.abort();
  }

  /** Fetches earlier output: four times as much as now, or all of it. */
  async loadEarlier(all = false): Promise<void> {
    const { from, to } = this.view.value!.text;
    const start = all ? 0 : Math.max(0, from - Math.max(FIRST, (to - from) * 3));
    await this.#exclusively(() => this.#fetchFrom(`${start}-`));
  }

  /** Fetches from a byte on (`n-`), or the last bytes (`-n`). */
  async #fetchFrom(range: string): Promise<void> {
    const part = await this.#get(range);
    let { from } = part;
    let { bytes } = part;
    if (from > 0) {
      const whole = fromLineStart(bytes);
      from += bytes.length - whole.length;
      bytes = whole;
    }
    const last = lastLines(bytes, MOST_LINES);
    from += bytes.length - last.length;
    bytes = last;
    const text = new LogText(from);
    text.append(bytes);
    this.#told = Math.max(this.#told, text.to);
    this.#show(text);
  }

  async #catchUp(): Promise<void> {
    await this.#exclusively(async () => {
      for (let text; (text = this.view.value?.text) !== undefined && text.to < this.#told;) {
        const isLarge = text.to - text.from > MOST || text.count > MOST_LINES;
        if (this.#told - text.to > FIRST * 16 || isLarge) {
          await this.#fetchFrom(`-${FIRST}`);
        } else {
          const { bytes } = await this.#get(`${text.to}-`);
          if (bytes.length === 0) break;
          text.append(bytes);
          this.#show(text);
        }
      }
    });
  }

  #show(text: LogText): void {
    this.view.value = {
      text,
      size: Math.max(this.#told, text.to),
      isRunning: this.#isRunning,
      isFull: text.count >= MOST_LINES,
      version: (this.view.value?.version ?? 0) + 1,
    };
  }

  async #get(range: string): Promise<{ from: number; bytes: Uint8Array }> {
    try {
      const response = await request(this.#path, {
        headers: { range: `bytes=${range}` },
        signal: this.#ending.signal,
      });
      const [, from = "0"] = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "") ??
        [];
      return { from: Number(from), bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch (error) {
      // There is no output yet.
      if (problemOf(error).status === 416) return { from: 0, bytes: new Uint8Array() };
      throw error;
    }
  }

  /** Allows one fetch at a time; what was added meanwhile is fetched after it. */
  async #exclusively(act: () => Promise<void>): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = this.isLoading.value = true;
    try {
      await act();
      this.problem.value = undefined;
    } catch (error) {
      if (!this.#ending.signal.aborted) this.problem.value = problemOf(error);
      return;
    } finally {
      this.#isFetching = this.isLoading.value = false;
    }
    if ((this.view.value?.text.to ?? 0) < this.#told) await this.#catchUp();
  }
}
