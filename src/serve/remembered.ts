// A value that many ask for, read once for all of them, and the less often the more it costs.

/** Of all time, reading may take this share. */
const SHARE = 1 / 50;

export class Remembered<T> {
  readonly #read: () => Promise<T>;
  readonly #lasts: number;
  readonly #clock: () => number;
  /** The first reading may fill memories, so that what it costs tells little of the next. */
  #hasRead = false;
  #generation = 0;
  #reading: Promise<T> | undefined;
  #value: { readonly it: T; readonly until: number } | undefined;

  /** @param lasts milliseconds for which a value is good, at least; @param clock milliseconds */
  constructor(
    read: () => Promise<T>,
    lasts: number,
    clock: () => number = () => performance.now(),
  ) {
    this.#read = read;
    this.#lasts = lasts;
    this.#clock = clock;
  }

  /** The value as it was a moment ago. */
  get(): Promise<T> {
    if (this.#value !== undefined && this.#clock() < this.#value.until) {
      return Promise.resolve(this.#value.it);
    }
    return this.#reading ??= this.#readNow();
  }

  /** Something was changed: what is read from now on is new. */
  forget(): void {
    this.#generation++;
    this.#value = undefined;
    this.#reading = undefined;
  }

  async #readNow(): Promise<T> {
    const [began, generation] = [this.#clock(), this.#generation];
    const isStill = () => generation === this.#generation;
    try {
      const it = await this.#read();
      const now = this.#clock();
      const until = now + Math.max(this.#lasts, this.#hasRead ? (now - began) / SHARE : 0);
      this.#hasRead = true;
      if (isStill()) this.#value = { it, until };
      return it;
    } finally {
      if (isStill()) this.#reading = undefined;
    }
  }
}
