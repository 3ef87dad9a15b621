// Opens the store at a location. Only this file knows which kinds of stores exist.
import { FolderStore, type StoreWorld } from "./file/folder_store.ts";
import type { ServerLocation, Store, StoreLocation } from "./store.ts";

/** What stores need of the outside world. */
export interface World extends StoreWorld {
  readonly env: (name: string) => string | undefined;
}

/** Makes the store at `location`. Nothing is read or written yet. */
export function openStore(location: StoreLocation, world: World): Store {
  return location.kind === "folder"
    ? new FolderStore(location.path, world)
    : new LazyStore(location, world);
}

/** A store on a server, loaded when a part of it is asked for: here, since a file costs time. */
class LazyStore implements Store {
  readonly dataDir = null;
  readonly #location: ServerLocation;
  readonly #world: World;
  #store: Promise<Store> | undefined;

  constructor(location: ServerLocation, world: World) {
    this.#location = location;
    this.#world = world;
  }

  get name(): string {
    return this.#location.url;
  }

  prepare(): void {}

  openJobs: Store["openJobs"] = async (...args) => await (await this.#loaded()).openJobs(...args);
  openReader: Store["openReader"] = async () => await (await this.#loaded()).openReader();
  openInbox: Store["openInbox"] = async () => await (await this.#loaded()).openInbox();
  openSchedules: Store["openSchedules"] = async (...args) =>
    await (await this.#loaded()).openSchedules(...args);
  watchSchedules: Store["watchSchedules"] = async () =>
    await (await this.#loaded()).watchSchedules();
  queues: Store["queues"] = async () => await (await this.#loaded()).queues();
  workers: Store["workers"] = async () => await (await this.#loaded()).workers();
  openRequests: Store["openRequests"] = async () => await (await this.#loaded()).openRequests();
  logs: Store["logs"] = async () => await (await this.#loaded()).logs();
  settings: Store["settings"] = async () => await (await this.#loaded()).settings();
  tallies: Store["tallies"] = async () => await (await this.#loaded()).tallies();
  maintenance: Store["maintenance"] = async () => await (await this.#loaded()).maintenance();
  host: Store["host"] = async () => await (await this.#loaded()).host();
  forWorkers: Store["forWorkers"] = async () => await (await this.#loaded()).forWorkers();

  #loaded(): Promise<Store> {
    return this.#store ??= this.#load();
  }

  async #load(): Promise<Store> {
    if (this.#location.kind === "redis") {
      const { RedisStore } = await import("./redis/redis_store.ts");
      return new RedisStore(this.#location, this.#world);
    }
    const { PostgresStore } = await import("./postgres/postgres_store.ts");
    return new PostgresStore(this.#location, this.#world);
  }
}
