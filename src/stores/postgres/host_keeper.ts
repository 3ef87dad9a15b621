// Keeps the lease of this host, for as long as the process lives: each `start` does, and a worker
// where nobody else has. It has a connection of its own, so that nothing else holds it up.
import {
  beatEvery,
  deadline,
  type LeaseView,
  look,
  margin,
  NOTHING_SEEN,
  type Sightings,
} from "../../queue/leases.ts";
import { DEFAULT_SETTINGS } from "../../queue/settings.ts";
import { afterMilliseconds } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { uptime } from "../../system/place.ts";
import type { Database } from "./connection.ts";
import { deadlinePath } from "./host_folder.ts";

/**
 * Which lease this host has; undefined if it was not renewed lately, so that nothing may begin. The
 * clock of the wall serves: where it was changed, nothing begins until the next sign of life.
 */
export function leaseEpoch(files: FileSystem, folder: string): string | undefined {
  const path = deadlinePath(folder);
  if (files.info(path) === undefined) return undefined;
  const [, lease = "0", epoch, asked = "0"] = files.readText(path).trim().split(" ");
  // Since the store was asked: of an answer that was long in coming, little of the lease is left.
  const age = Date.now() - Number(asked);
  if (!(age >= 0)) return undefined;
  return age < 1000 * (Number(lease) - 2 * margin(Number(lease)) + 1) ? epoch : undefined;
}

/** Milliseconds between looks of a worker whether somebody keeps the lease. */
const LOOK = 1000;

export interface KeeperOptions {
  readonly host: {
    readonly id: string;
    readonly path: string;
    readonly guarded: boolean;
    readonly hostname: string;
  };
  readonly files: FileSystem;
  /** Opens a connection whose statements are answered in so many milliseconds, or not at all. */
  readonly open: (answerWithin: number) => Database;
  /** Whether this process does it first, and looks after other hosts. */
  readonly leads: boolean;
  /** The signs of life of this host's workers: milliseconds since each. */
  readonly ages: () => Promise<ReadonlyMap<string, number>>;
  /** Told of each look at other hosts, those that are gone among them. */
  readonly onLook: (database: Database, gone: readonly LeaseView[]) => Promise<void>;
}

export class HostKeeper {
  readonly #options: KeeperOptions;
  #database: Database | undefined;
  #sightings: Sightings = NOTHING_SEEN;
  /** In seconds, as far as it is known. */
  #lease = DEFAULT_SETTINGS.lease;
  #cancel = () => {};
  #beating: Promise<void> = Promise.resolve();
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
    await this.#database?.close();
  }

  #tick(): void {
    if (this.#isClosed) return;
    this.#cancel = afterMilliseconds(this.#pause(), () => {
      // What goes wrong, workers tell: they need the store too. The next time is soon.
      const step = this.#isDue() ? this.#beat().catch(() => {}) : Promise.resolve();
      this.#beating = step.then(() => this.#tick());
    });
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
    const { host, leads, ages, onLook } = this.#options;
    // Before the store is asked: the lease begins when it answers, or a moment earlier.
    const [asked, askedAt] = [Date.now(), await uptime()];
    const seen = leads ? await ages() : new Map<string, number>();
    this.#database ??= this.#options.open(Math.max(1000, this.#lease * 200));
    const [row] = await this.#database.query<BeatRow>(BEAT, [
      host.id,
      host.hostname,
      host.guarded,
      DEFAULT_SETTINGS.lease,
      [...seen.keys()],
      [...seen.values()],
    ]);
    this.#lease = row!.lease;
    const until = askedAt === undefined ? "-" : deadline(askedAt, row!.lease).toFixed(2);
    this.#write([until, String(row!.lease), row!.epoch, String(asked)]);
    if (!leads || this.#isClosed) return;
    const { sightings, gone } = look(
      this.#sightings,
      row!.server,
      row!.others,
      performance.now(),
    );
    this.#sightings = sightings;
    await onLook(this.#database, gone);
  }

  #write(words: readonly [until: string, lease: string, epoch: string, asked: string]): void {
    const { files, host } = this.#options;
    const path = deadlinePath(host.path);
    if (files.info(path) !== undefined) {
      // Another process of this host may have asked later, and have had its answer sooner.
      const [until, lease, epoch] = files.readText(path).trim().split(" ");
      const isSame = lease === words[1] && epoch === words[2];
      if (isSame && Number(until) > Number(words[0])) return;
    }
    const unfinished = `${path}.${Deno.pid}`;
    if (files.info(unfinished) !== undefined) files.remove(unfinished);
    files.create(unfinished, `${words.join(" ")}\n`);
    files.rename(unfinished, path);
  }
}

interface BeatRow {
  readonly lease: number;
  /** Another one after this host was taken for gone. */
  readonly epoch: string;
  readonly server: string;
  readonly others: readonly LeaseView[];
}

const BEAT = `
with setting as (
  select coalesce(
    (select value::float8 from queuectl.settings where key = 'lease'), $4::float8) as lease
), seen as (
  update queuectl.workers set last_seen_at = clock_timestamp() - age * interval '1 millisecond'
  from unnest($5::text[], $6::float8[]) as own (worker, age)
  where name = worker and host_id = $1
), beat as (
  insert into queuectl.hosts (id, name, guarded, beat, lease, lease_until)
  select $1, $2, $3, 1, lease, clock_timestamp() + lease * interval '1 second' from setting
  on conflict (id) do update set name = excluded.name, guarded = excluded.guarded,
    beat = hosts.beat + 1, lease = excluded.lease, lease_until = excluded.lease_until
  returning lease, since
)
select (select lease from beat) as lease,
  (select (extract(epoch from since) * 1000000)::bigint::text from beat) as epoch, pg_postmaster_start_time()::text as server,
  coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'beat', beat, 'lease', hosts.lease,
      'guarded', guarded, 'hasRunOut', lease_until < clock_timestamp()))
    from queuectl.hosts where id <> $1
  ), '[]'::jsonb) as others`;
