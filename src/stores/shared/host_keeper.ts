// Keeps the lease of this host, for as long as the process lives: each `start` does, and a worker
// where nobody else has. It has a connection of its own, so that nothing else holds it up.
import { isUnavailable, messageOf } from "../../queue/errors.ts";
import {
  beatEvery,
  deadline,
  type LeaseView,
  look,
  NOTHING_SEEN,
  type Sightings,
} from "../../queue/leases.ts";
import { DEFAULT_SETTINGS } from "../../queue/settings.ts";
import { afterMilliseconds } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { uptime } from "../../system/place.ts";
import { deadlinePath } from "./host_folder.ts";
import { LeaseFile } from "./lease_file.ts";

/** What a host says of itself. */
export interface BeatingHost {
  readonly id: string;
  readonly hostname: string;
  readonly guarded: boolean;
}

/** What the store answers to a sign of life. */
export interface Beat {
  /** How long the lease holds, in seconds. */
  readonly lease: number;
  /** Another one after this host was taken for gone. */
  readonly epoch: string;
  /** Which start of which server. */
  readonly server: string;
  readonly others: readonly LeaseView[];
  /** Whether hosts that are gone have left something to be done; looked for if left out. */
  readonly hasStrays?: boolean;
}

/** Where the leases of hosts are. */
export interface Leases {
  /**
   * Gives a sign of life: the lease of this host begins anew.
   * @param fallback how long it holds where nothing is set, in seconds
   * @param ages of this host's workers: milliseconds since the sign of life of each
   */
  beat(host: BeatingHost, fallback: number, ages: ReadonlyMap<string, number>): Promise<Beat>;
  /** Does what is to be done for hosts that are gone. May take its time. */
  settle(gone: readonly LeaseView[]): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds between looks of a worker whether somebody keeps the lease. */
const LOOK = 1000;

export interface KeeperOptions {
  readonly host: BeatingHost & { readonly path: string };
  readonly files: FileSystem;
  /** @param lease how long one holds, in seconds, as far as it is known */
  readonly open: (lease: number) => Leases;
  /** Whether this process does it first, and looks after other hosts. */
  readonly leads: boolean;
  /** The signs of life of this host's workers: milliseconds since each. */
  readonly ages: () => Promise<ReadonlyMap<string, number>>;
  readonly warn: (message: string) => void;
}

export class HostKeeper {
  readonly #options: KeeperOptions;
  #leases: Leases | undefined;
  #sightings: Sightings = NOTHING_SEEN;
  /** In seconds, as far as it is known. */
  #lease = DEFAULT_SETTINGS.lease;
  #cancel = () => {};
  #beating: Promise<void> = Promise.resolve();
  /** Goes on beside the signs of life, which must not wait for it. */
  #settling: Promise<void> | undefined;
  /** Whether it was told since the last sign of life that there is none. */
  #isTold = false;
  /** Whether there was a sign of life, and since then it was not told that the lease has run out. */
  #mayRunOut = false;
  #isClosed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Gives the first sign of life, and goes on until `close`. @throws QueueError `unavailable` */
  async start(): Promise<void> {
    try {
      if (this.#isDue()) await this.#beat();
    } finally {
      this.#tick();
    }
  }

  /** The lease stays: jobs may run on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#beating;
    await this.#leases?.close();
  }

  #tick(pause = this.#pause()): void {
    if (this.#isClosed) return;
    this.#cancel = afterMilliseconds(pause, () => {
      const step = this.#isDue() ? this.#beat() : Promise.resolve();
      this.#beating = step.then(
        () => this.#tick(),
        // The next time is soon.
        async (error) => {
          this.#tell(error);
          await this.#tellOfEnd();
          this.#tick(Math.min(this.#pause(), LOOK));
        },
      );
    });
  }

  /** That the store is away, workers tell: they need it, too. Of all else nobody would know. */
  #tell(error: unknown): void {
    if (!this.#options.leads || this.#isTold || isUnavailable(error)) return;
    this.#isTold = true;
    this.#options.warn(
      `Cannot renew the lease of this host, without which no job runs here: ${messageOf(error)}`,
    );
  }

  /** The guard says nothing, and jobs that are ended without a word look like a fault. */
  async #tellOfEnd(): Promise<void> {
    const { host, leads, files, warn } = this.#options;
    if (!leads || !host.guarded || !this.#mayRunOut) return;
    const [until] = new LeaseFile(files, host.path).read();
    const now = await uptime();
    if (now === undefined || !(now > Number(until))) return;
    this.#mayRunOut = false;
    warn("The lease of this host has run out: jobs that ran here were ended, and are tried again");
  }

  /** Milliseconds. Who only looks whether others do it, looks often: a look costs next to nothing. */
  #pause(): number {
    const every = 1000 * beatEvery(this.#lease);
    return this.#options.leads ? every : Math.min(every / 2, LOOK);
  }

  /** The file is written after each sign of life, whoever of this host gives it. */
  #isDue(): boolean {
    const { files, host, leads } = this.#options;
    if (leads) return true;
    const path = deadlinePath(host.path);
    const at = files.info(path)?.modifiedAt;
    if (at === undefined) return true;
    // As long as others do it, they alone know how long a lease is now.
    this.#lease = Number(files.readText(path).split(" ")[1]) || this.#lease;
    const age = Date.now() - at;
    return age < 0 || age > 1500 * beatEvery(this.#lease);
  }

  async #beat(): Promise<void> {
    const { host, leads, ages } = this.#options;
    // Before the store is asked: the lease begins when it answers, or a moment earlier.
    const [asked, askedAt] = [Date.now(), await uptime()];
    const seen = leads ? await ages() : new Map<string, number>();
    this.#leases ??= this.#options.open(this.#lease);
    const beat = await this.#leases.beat(host, DEFAULT_SETTINGS.lease, seen);
    this.#lease = beat.lease;
    const until = askedAt === undefined ? "-" : deadline(askedAt, beat.lease).toFixed(2);
    const server = beat.server.replace(/[^\w.:+-]/g, "_"); // one word, for shells
    this.#write([until, String(beat.lease), beat.epoch, String(asked), server]);
    [this.#isTold, this.#mayRunOut] = [false, true];
    if (!leads || this.#isClosed) return;
    const { sightings, gone } = look(
      this.#sightings,
      beat.server,
      beat.others,
      performance.now(),
    );
    this.#sightings = sightings;
    if (gone.length === 0 && beat.hasStrays === false) return;
    this.#settling ??= this.#leases.settle(gone).catch(() => {})
      .finally(() => this.#settling = undefined);
  }

  #write(words: readonly [until: string, lease: string, epoch: string, ...string[]]): void {
    const { files, host } = this.#options;
    const path = deadlinePath(host.path);
    // Another process of this host may have asked later, and have had its answer sooner.
    const [until, lease, epoch] = new LeaseFile(files, host.path).read();
    const isSame = lease === words[1] && epoch === words[2];
    if (isSame && Number(until) > Number(words[0])) return;
    const unfinished = `${path}.${Deno.pid}`;
    if (files.info(unfinished) !== undefined) files.remove(unfinished);
    files.create(unfinished, `${words.join(" ")}\n`);
    files.rename(unfinished, path);
  }
}
