// A store on a server that many hosts share: hands out its parts, which share one connection. What a
// part does is the matter of each kind of server; what belongs to a host is the same for all.
import { QueueError } from "../../queue/errors.ts";
import type { LogReader } from "../../queue/logs.ts";
import type { Maintenance } from "../../queue/maintenance.ts";
import type { QueueStore } from "../../queue/queues.ts";
import type { Requests } from "../../queue/requests.ts";
import type { ScheduleStore, ScheduleWatch } from "../../queue/schedule_store.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import type { Inbox, JobReader, JobStore } from "../../queue/store.ts";
import type { Tallies } from "../../queue/tally.ts";
import type { Workers } from "../../queue/workers.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { FileWorkers } from "../file/workers.ts";
import type { Host, PrintingAttempt, ServerLocation, Store } from "../store.ts";
import type { ClaimsOptions } from "./claims.ts";
import { FileSender, type OutputTable } from "./file_sender.ts";
import type { Handover } from "./handover.ts";
import {
  deadlinePath,
  findHostFolder,
  type HostFolder,
  makeHostFolder,
  pathsIn,
  removeOldFolders,
  tidyOutput,
} from "./host_folder.ts";
import { HostKeeper, type Leases } from "./host_keeper.ts";
import { LeaseFile } from "./lease_file.ts";
import { LastPieces } from "./last_pieces.ts";
import { Lookout } from "./lookout.ts";
import { HostWorkers, type WorkerPlaces } from "./host_workers.ts";
import type { TallyTable } from "./kept_tallies.ts";
import type { ConnectOptions } from "./reconnecting.ts";
import type { FiringParts } from "./server_schedules.ts";
import { type LostPlaces, settleLost } from "./settle_lost.ts";
import { type RequestTable, ToldRequests } from "./told_requests.ts";
import type { Channel } from "./wake.ts";

export interface JobsOptions extends ClaimsOptions {
  /** Whether to be told of changes; else they are looked for. */
  readonly listens?: boolean;
}

/** One connection, and the parts of the store that use it. */
export interface ServerParts {
  /** Makes what has to be there before anything else. Quick when it is there. */
  prepare(): Promise<void>;
  jobs(options: JobsOptions): JobStore;
  schedules(firing: FiringParts | undefined): Promise<ScheduleStore>;
  scheduleWatch(): Promise<ScheduleWatch>;
  queues(): Promise<QueueStore>;
  requests(): RequestTable;
  /** @param topic what is told on it */
  channel(topic: string): Channel;
  outputs(): OutputTable;
  settings(): SettingsStore;
  tallies(): Promise<TallyTable>;
  maintenance(
    parts: { readonly files: FileSystem; readonly workers: () => Promise<Workers> },
  ): Promise<Maintenance>;
  /** @param hostId undefined where no `start` has run */
  places(hostId: string | undefined): WorkerPlaces;
  lostPlaces(): LostPlaces;
  /** @param settle what is to be done for workers of hosts that are gone */
  leases(settle: () => Promise<void>): Leases;
  runningIds(): Promise<ReadonlySet<string>>;
  /** Where it may be on the network, as permissions have it, if that is not where the URL says. */
  net?(): Promise<readonly string[] | undefined>;
  /** Whether to have no connection while nothing is asked. */
  rest?(isResting: boolean): void;
  close(): Promise<void>;
}

/** A server, as it is reached. */
export interface Server {
  /** Tells this queue from all others, and is safe as the name of a folder. */
  readonly key: string;
  /** Where it is on the network by the URL, as permissions have it. */
  readonly net: readonly string[];
  /** Whether to be told of news; else they are looked for. */
  readonly listens: boolean;
  readonly handover: Handover;
  /** As in `Host`. */
  readonly secrets: Readonly<Record<string, string>>;
  connect(options: ConnectOptions): ServerParts;
}

/** What the store needs of the outside world. */
export interface ServerWorld {
  readonly files: FileSystem;
  readonly env: (name: string) => string | undefined;
  readonly warn: (message: string) => void;
}

/**
 * Milliseconds for which workers wait for the server within a step: they take it again, and must
 * hear meanwhile that they are to stop.
 */
const WORKERS_PATIENCE = 2000;

export class ServerStore implements Store {
  readonly name: string;
  readonly dataDir = null;
  readonly #world: ServerWorld;
  readonly #server: Server;
  readonly #parts: ServerParts;
  /**
   * For what takes but a moment and is asked again and again. In a `start` it has a connection of
   * its own, which nothing holds up, so that the other one may rest.
   */
  #quick: ServerParts;
  /** Of a worker. */
  #lookout: Lookout | undefined;
  readonly #lastPieces = new LastPieces();
  #lease: LeaseFile | undefined;
  #isForWorkers: boolean;
  #folder: Promise<HostFolder> | undefined;
  #isPrepared = false;
  #preparing: Promise<void> | undefined;

  constructor(location: ServerLocation, server: Server, world: ServerWorld) {
    this.name = location.url;
    this.#world = world;
    this.#server = server;
    this.#isForWorkers = location.handover !== undefined;
    const { within } = location;
    const patience = this.#isForWorkers ? { patience: WORKERS_PATIENCE } : {};
    this.#parts = server.connect(within === undefined ? patience : { totalWithin: within });
    this.#quick = this.#parts;
    const { host } = server.handover;
    if (host !== undefined) this.#folder = Promise.resolve(host);
  }

  prepare(): void {}

  async openJobs(): Promise<JobStore> {
    await this.#ready();
    const { listens } = this.#server;
    const { id: host, path } = this.#isForWorkers ? await this.#hostFolder() : {};
    if (host === undefined) return this.#parts.jobs({ listens });
    const lease = this.#leaseFile(path!);
    return this.#parts.jobs({
      listens,
      host,
      epoch: () => lease.epoch(),
      ahead: true,
      lookout: this.#lookoutOfWorker(),
      lastPieces: this.#lastPieces,
    });
  }

  async openReader(): Promise<JobReader> {
    return await this.openJobs();
  }

  async openInbox(): Promise<Inbox> {
    return await this.openJobs();
  }

  async openSchedules(firing?: FiringParts): Promise<ScheduleStore> {
    await this.#ready();
    return await this.#parts.schedules(firing);
  }

  async watchSchedules(): Promise<ScheduleWatch> {
    await this.#ready();
    return await this.#quick.scheduleWatch();
  }

  async queues(): Promise<QueueStore> {
    await this.#ready();
    return await this.#parts.queues();
  }

  async workers(): Promise<Workers> {
    await this.#ready();
    const folder = await this.#hostFolder();
    const local = new FileWorkers(folder.path, this.#world.files);
    const lookout = this.#lookoutOfWorker();
    const lease = this.#leaseFile(folder.path);
    return new HostWorkers({
      places: this.#quick.places(folder.id),
      hostId: folder.id,
      local,
      epoch: () => lease.epoch(),
      isResting: () => lookout?.isResting === true,
      keepLease: (leads) => this.#keepLease(folder, local, leads),
    });
  }

  async openRequests(): Promise<Requests> {
    await this.#ready();
    const [table, channel] = [this.#quick.requests(), this.#quick.channel("requests")];
    return new ToldRequests(table, channel, this.#server.listens, this.#lookoutOfWorker());
  }

  async logs(): Promise<LogReader> {
    await this.#ready();
    return this.#parts.outputs();
  }

  async settings(): Promise<SettingsStore> {
    await this.#ready();
    return this.#quick.settings();
  }

  async tallies(): Promise<Tallies> {
    await this.#ready();
    const { KeptTallies } = await import("./kept_tallies.ts");
    return new KeptTallies(await this.#parts.tallies());
  }

  async maintenance(): Promise<Maintenance> {
    // Not `#ready`: a check says what to do where it may not be made ready.
    return await this.#parts.maintenance({
      files: this.#world.files,
      workers: () => this.workers(),
    });
  }

  async host(): Promise<Host> {
    const { id, path, guarded, hostname } = await this.#madeFolder();
    const paths = pathsIn(path);
    // Only who starts workers has to know; they were told.
    const startsWorkers = this.#isForWorkers && this.#server.handover.host === undefined;
    const net = startsWorkers ? await this.#parts.net?.() : undefined;
    const lease = this.#leaseFile(path);
    const handover: Handover = {
      ...this.#server.handover,
      host: { id, path, guarded, hostname },
    };
    return {
      ...paths,
      options: [`--store=${this.name}`],
      handover: JSON.stringify(handover),
      secrets: this.#server.secrets,
      net: net ?? this.#server.net,
      server: () => lease.server(),
      ...(guarded ? { deadline: deadlinePath(path), epoch: () => lease.epoch() } : {}),
      sendOutput: (printing) => this.#senderOf(paths.log(printing.id, printing.attempt), printing),
      settleOutput: () => this.#settleOutput(path),
    };
  }

  async forWorkers(): Promise<Store> {
    if (this.#isForWorkers) return this;
    await this.#ready();
    const maintenance = await this.maintenance();
    for (const caution of await maintenance.cautions?.() ?? []) this.#world.warn(caution);
    const folder = await this.#madeFolder();
    removeOldFolders(this.#world.files, folder.path, Date.now());
    await this.#settleOutput(folder.path);
    const settings = await this.#parts.settings().load();
    this.#isForWorkers = true;
    this.#quick = this.#server.connect({ answerWithin: answerWithin(settings.lease) });
    this.#parts.rest?.(true);
    return this;
  }

  /** Ends the connection. Programs that end need not. */
  async close(): Promise<void> {
    await this.#parts.close();
    if (this.#quick !== this.#parts) await this.#quick.close();
  }

  /** The folder of this host, which commands that only look at the store can do without. */
  async #madeFolder(): Promise<HostFolder> {
    const found = await this.#hostFolder();
    if (this.#isForWorkers) return found;
    const made = makeHostFolder(found, this.#world.files);
    this.#folder = Promise.resolve(made);
    return made;
  }

  #hostFolder(): Promise<HostFolder> {
    const { files, env } = this.#world;
    return this.#folder ??= findHostFolder(this.#server.key, files, env);
  }

  #leaseFile(folder: string): LeaseFile {
    return this.#lease ??= new LeaseFile(this.#world.files, folder);
  }

  async #settleOutput(path: string): Promise<void> {
    const { log } = pathsIn(path);
    await tidyOutput(
      this.#world.files,
      path,
      () => this.#parts.runningIds(),
      (id) => this.#parts.jobs({}).get(id),
      async (id, attempt) => {
        const { log_max: limit } = await this.#parts.settings().load();
        const sender = this.#senderOf(log(id, attempt), { id, attempt, limit, isNew: false });
        // What can't be sent at once is left to the next time.
        await sender.finish(AbortSignal.abort());
      },
    );
  }

  /** @param path of the file that the job writes to */
  #senderOf(path: string, printing: PrintingAttempt): FileSender {
    return new FileSender({
      ...printing,
      outputs: this.#parts.outputs(),
      files: this.#world.files,
      path,
      lastPieces: this.#lastPieces,
      warn: this.#world.warn,
    });
  }

  /** Only in a worker's process, which was told by its `start` where its host is. */
  #lookoutOfWorker(): Lookout | undefined {
    const { host } = this.#server.handover;
    if (host === undefined || this.#lookout !== undefined) return this.#lookout;
    this.#lookout = new Lookout(this.#world.files, host.path);
    this.#lookout.onRest((isResting) => this.#parts.rest?.(isResting));
    return this.#lookout;
  }

  async #keepLease(folder: HostFolder, local: Workers, leads: boolean): Promise<HostKeeper> {
    const { id } = folder;
    if (id === undefined) throw new QueueError("refused", "No queuectl start has run here");
    const keeper = new HostKeeper({
      host: { ...folder, id },
      files: this.#world.files,
      open: (lease) => this.#leases(lease),
      leads,
      ages: async () => {
        const live = [...await local.live(), ...await local.liveSupervisors()];
        return new Map(live.map(({ name, lastSeenAt }) => [name, Date.now() - lastSeenAt]));
      },
      warn: this.#world.warn,
    });
    await keeper.start();
    return keeper;
  }

  /** Signs of life have a connection that nothing holds up; what follows from them may take long. */
  #leases(lease: number): Leases {
    const isShared = this.#quick !== this.#parts;
    const limit = answerWithin(lease);
    const own = isShared
      ? this.#quick
      : this.#server.connect({ patience: limit, answerWithin: limit });
    const parts = this.#parts;
    const settle = () =>
      settleLost(parts.lostPlaces(), parts.jobs({}), () => parts.settings().load());
    const [beating, settling] = [own.leases(settle), parts.leases(settle)];
    return {
      beat: (...said) => beating.beat(...said),
      settle: (gone) => settling.settle(gone),
      close: async () => isShared ? undefined : await own.close(),
    };
  }

  /** Makes what has to be there, if it is not. */
  async #ready(): Promise<void> {
    if (this.#isPrepared) return;
    this.#preparing ??= this.#parts.prepare().then(() => {
      this.#isPrepared = true;
    }).finally(() => this.#preparing = undefined);
    await this.#preparing;
  }
}

/** Milliseconds in which a sign of life is answered, or tried again. @param lease in seconds */
function answerWithin(lease: number): number {
  return Math.max(1000, lease * 200);
}
