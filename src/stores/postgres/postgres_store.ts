// A store in a PostgreSQL database: hands out its parts, which share one connection.
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
import { FileWorkers } from "../file/workers.ts";
import type { Host, ServerLocation, Store } from "../store.ts";
import { Database, type DatabaseOptions } from "./connection.ts";
import { declareGone, settleLost } from "./gone_hosts.ts";
import {
  deadlinePath,
  findHostFolder,
  type HostFolder,
  makeHostFolder,
  pathsIn,
  tidyOutput,
} from "./host_folder.ts";
import { HostKeeper, leaseEpoch } from "./host_keeper.ts";
import { PostgresJobs } from "./jobs.ts";
import { FileSender, PostgresLogs } from "./outputs.ts";
import { PostgresRequests } from "./requests.ts";
import { ensureSchema } from "./schema.ts";
import {
  type Handover,
  netOf,
  type PostgresWorld,
  readHandover,
  secretsOf,
  serverConfig,
} from "./server.ts";
import { parseServerUrl, type ServerUrl } from "./server_url.ts";
import { PostgresSettings } from "./settings.ts";
import { PostgresWorkers } from "./workers.ts";

/**
 * Milliseconds for which workers wait for the database within a step: they take it again, and must
 * hear meanwhile that they are to stop.
 */
const WORKERS_PATIENCE = 2000;

export class PostgresStore implements Store {
  readonly name: string;
  readonly dataDir = null;
  readonly #world: PostgresWorld;
  readonly #url: ServerUrl;
  readonly #handover: Handover;
  readonly #database: Database;
  #isForWorkers: boolean;
  #folder: Promise<HostFolder> | undefined;
  #isPrepared = false;
  #preparing: Promise<void> | undefined;

  constructor(location: ServerLocation, world: PostgresWorld) {
    this.name = location.url;
    this.#world = world;
    this.#url = parseServerUrl(location.url, world.env);
    this.#isForWorkers = location.handover !== undefined;
    this.#handover = location.handover === undefined
      ? secretsOf(this.#url, location.password, world)
      : readHandover(location.handover);
    this.#database = this.#newDatabase(
      this.#isForWorkers ? { patience: WORKERS_PATIENCE } : {},
    );
    if (this.#handover.host !== undefined) this.#folder = Promise.resolve(this.#handover.host);
  }

  prepare(): void {}

  async openJobs(): Promise<JobStore> {
    await this.#ready();
    const { listens } = this.#url;
    const { id: host, path } = this.#isForWorkers ? await this.#hostFolder() : {};
    if (host === undefined) return new PostgresJobs(this.#database, { listens });
    const epoch = () => leaseEpoch(this.#world.files, path!);
    return new PostgresJobs(this.#database, { listens, host, epoch, ahead: true });
  }

  async openReader(): Promise<JobReader> {
    return await this.openJobs();
  }

  async openInbox(): Promise<Inbox> {
    return await this.openJobs();
  }

  async openSchedules(
    firing?: { readonly jobs: JobStore; readonly warn: (message: string) => void },
  ): Promise<ScheduleStore> {
    await this.#ready();
    const { PostgresSchedules } = await import("./schedules.ts");
    return new PostgresSchedules(this.#database, firing);
  }

  async watchSchedules(): Promise<ScheduleWatch> {
    await this.#ready();
    const { PostgresScheduleWatch } = await import("./schedules.ts");
    return new PostgresScheduleWatch(this.#database);
  }

  async queues(): Promise<QueueStore> {
    await this.#ready();
    const { PostgresQueues } = await import("./queues.ts");
    return new PostgresQueues(this.#database);
  }

  async workers(): Promise<Workers> {
    await this.#ready();
    const folder = await this.#hostFolder();
    const local = new FileWorkers(folder.path, this.#world.files);
    return new PostgresWorkers({
      database: this.#database,
      hostId: folder.id,
      local,
      keepLease: (leads) => this.#keepLease(folder, local, leads),
    });
  }

  async openRequests(): Promise<Requests> {
    await this.#ready();
    return new PostgresRequests(this.#database, this.#url.listens);
  }

  async logs(): Promise<LogReader> {
    await this.#ready();
    return new PostgresLogs(this.#database);
  }

  async settings(): Promise<SettingsStore> {
    await this.#ready();
    return new PostgresSettings(this.#database);
  }

  async tallies(): Promise<Tallies> {
    await this.#ready();
    const { PostgresTallies } = await import("./tallies.ts");
    return new PostgresTallies(this.#database);
  }

  async maintenance(): Promise<Maintenance> {
    await this.#ready();
    const { PostgresMaintenance } = await import("./maintenance.ts");
    return new PostgresMaintenance({
      database: this.#database,
      files: this.#world.files,
      workers: () => this.workers(),
    });
  }

  async host(): Promise<Host> {
    const { id, path, guarded, hostname } = await this.#madeFolder();
    const paths = pathsIn(path);
    const { password, certificates } = this.#handover;
    return {
      ...paths,
      options: [`--store=${this.name}`],
      handover: JSON.stringify(
        { password, certificates, host: { id, path, guarded, hostname } } satisfies Handover,
      ),
      secrets: {
        QUEUECTL_STORE: this.name,
        QUEUECTL_STORE_PASSWORD: password ?? "",
        PGPASSWORD: "",
      },
      net: netOf(this.#url),
      ...(guarded
        ? { deadline: deadlinePath(path), epoch: () => leaseEpoch(this.#world.files, path) }
        : {}),
      sendOutput: (id, attempt, limit) =>
        new FileSender({
          database: this.#database,
          files: this.#world.files,
          path: paths.log(id, attempt),
          id,
          attempt,
          limit,
        }),
    };
  }

  async forWorkers(): Promise<Store> {
    if (this.#isForWorkers) return this;
    await this.#ready();
    const folder = await this.#madeFolder();
    await tidyOutput(this.#world.files, folder.path, async () => {
      const running = await this.#database.read<{ id: string }>(
        "select id from queuectl.jobs where state = 'processing'",
      );
      return new Set(running.map(({ id }) => id));
    });
    this.#isForWorkers = true;
    return this;
  }

  /** Ends the connection. Programs that end need not. */
  async close(): Promise<void> {
    await this.#database.close();
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
    return this.#folder ??= findHostFolder(this.#url, files, env);
  }

  async #keepLease(folder: HostFolder, local: Workers, leads: boolean): Promise<HostKeeper> {
    const { id } = folder;
    if (id === undefined) throw new QueueError("refused", "No queuectl start has run here");
    const keeper = new HostKeeper({
      host: { ...folder, id },
      files: this.#world.files,
      open: (answerWithin) => this.#newDatabase({ patience: answerWithin, answerWithin }),
      leads,
      ages: async () => {
        const live = [...await local.live(), ...await local.liveSupervisors()];
        return new Map(live.map(({ name, lastSeenAt }) => [name, Date.now() - lastSeenAt]));
      },
      onLook: async (database, gone) => {
        for (const host of gone) await declareGone(database, host);
        const settings = new PostgresSettings(database);
        await settleLost(database, new PostgresJobs(database, {}), () => settings.load());
      },
    });
    await keeper.start();
    return keeper;
  }

  #newDatabase(options: Pick<DatabaseOptions, "patience" | "answerWithin">): Database {
    return new Database({
      name: this.name,
      server: serverConfig(this.#url, this.#handover),
      schema: this.#url.schema,
      ...options,
    });
  }

  /** Makes the tables, if they are not there. */
  async #ready(): Promise<void> {
    if (this.#isPrepared) return;
    this.#preparing ??= ensureSchema(this.#database).then(() => {
      this.#isPrepared = true;
    }).finally(() => this.#preparing = undefined);
    await this.#preparing;
  }
}
