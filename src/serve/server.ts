// The server without its socket: what answers requests, made of a store and the world around it.
import { attemptsBegun } from "../queue/job.ts";
import type { JobReader } from "../queue/store.ts";
import { readActivity } from "../queue/status.ts";
import type { Store } from "../stores/store.ts";
import { statusJson } from "../view/json.ts";
import type { Access } from "./access.ts";
import { Changes } from "./changes.ts";
import { EndedHistory } from "./ended_history.ts";
import { EventHub, type EventSources } from "./events.ts";
import { handlerOf } from "./handler.ts";
import { isOurHost, type Listen } from "./listen.ts";
import { listedWithEnd } from "./listed.ts";
import type { Parts } from "./parts.ts";
import { figureReaders } from "./read_metrics.ts";
import { Remembered } from "./remembered.ts";

/** Milliseconds for which figures are good, at least. */
const LASTS = 1000;
const SEARCH = 3000;

export interface ServerWorld extends
  Pick<
    Parts,
    "store" | "options" | "version" | "now" | "newId" | "sleep" | "readNewJob" | "endOrphan"
  > {
  /** As in `Parts`; a few seconds if left out. */
  readonly searchTime?: number;
  readonly access: Access;
  readonly listen: Listen;
  /** Other names that lead here. */
  readonly names: readonly string[];
  readonly warn: (message: string) => void;
}

export interface Server {
  readonly handle: (request: Request) => Promise<Response>;
  readonly events: EventHub;
  /** The port that it came to listen on. */
  listensOn(port: number): void;
  /** Begins to read what takes long where many jobs wait, before somebody asks for it. */
  prepare(): void;
  /** Ends all streams, and what is under way. */
  close(): Promise<void>;
}

export async function openServer(world: ServerWorld): Promise<Server> {
  const { store, listen, names, warn } = world;
  const jobs = await store.openReader();
  const ending = new AbortController();
  const readers = figureReaders(store, jobs, ending.signal);
  const events = new EventHub({ ...sourcesOf(store, jobs), warn });
  const changes = new Changes();
  let { port } = listen;
  const queues = new Remembered(readers.queues, LASTS);
  const handle = handlerOf({
    ...world,
    searchTime: world.searchTime ?? SEARCH,
    jobs,
    events,
    changes,
    history: new EndedHistory(jobs),
    port: () => port,
    remembered: {
      counts: new Remembered(readers.counts, LASTS),
      queues,
      tally: new Remembered(readers.tally, LASTS),
      dlq: new Remembered(readers.dlq, LASTS),
    },
    ending: ending.signal,
    isOurHost: (host) => isOurHost(host, listen, names),
  });
  return {
    handle,
    events,
    listensOn: (real) => void (port = real),
    prepare: () => void queues.get().catch(() => {}),
    async close() {
      ending.abort();
      for (const message of await changes.close()) warn(message);
      await events.close();
      await jobs.close();
    },
  };
}

function sourcesOf(store: Store, jobs: JobReader): Omit<EventSources, "warn"> {
  return {
    async status() {
      const activity = await readActivity(jobs, await store.workers());
      return statusJson({ dataDir: store.dataDir, store: store.name, ...activity });
    },
    async job(id) {
      const job = await jobs.get(id);
      return job && listedWithEnd(job);
    },
    async log({ id, attempt: wanted }) {
      // The state is read before the size: what an attempt printed is complete once it is known to
      // have ended.
      const job = await jobs.get(id);
      const last = job === undefined ? 0 : attemptsBegun(job);
      const attempt = wanted ?? last;
      if (attempt === 0) return undefined;
      const size = await (await store.logs()).size(id, attempt);
      if (size === undefined) return undefined;
      const running = job?.status.state === "processing" && attempt === last;
      return { id, attempt, size, running };
    },
  };
}
