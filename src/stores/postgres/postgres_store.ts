// A store in a PostgreSQL database: how it is reached, and its parts.
import {
  type Server,
  type ServerParts,
  ServerStore,
  type ServerWorld,
} from "../shared/server_store.ts";
import { readHandover } from "../shared/handover.ts";
import type { ServerLocation } from "../store.ts";
import { channelOf } from "./channel.ts";
import { Database } from "./connection.ts";
import { lostPlaces } from "./gone_hosts.ts";
import { PostgresJobs } from "./jobs.ts";
import { PostgresLeases } from "./leases.ts";
import { PostgresLogs } from "./outputs.ts";
import { PostgresPlaces } from "./places.ts";
import { PostgresRequestTable } from "./requests.ts";
import { ensureSchema } from "./schema.ts";
import { netOf, secretsOf, serverConfig } from "./server.ts";
import { parseServerUrl, queueKey } from "./server_url.ts";
import { PostgresSettings } from "./settings.ts";

export class PostgresStore extends ServerStore {
  constructor(location: ServerLocation, world: ServerWorld) {
    super(location, postgresServer(location, world), world);
  }
}

function postgresServer(location: ServerLocation, world: ServerWorld): Server {
  const url = parseServerUrl(location.url, world.env);
  const handover = location.handover === undefined
    ? secretsOf(url, location.password, world)
    : readHandover(location.handover);
  return {
    key: queueKey(url),
    net: netOf(url),
    listens: url.listens,
    handover,
    secrets: {
      QUEUECTL_STORE: location.url,
      QUEUECTL_STORE_PASSWORD: handover.password ?? "",
      PGPASSWORD: "",
    },
    connect: (connect) =>
      partsOf(
        new Database({
          name: location.url,
          server: serverConfig(url, handover, location.url),
          schema: url.schema,
          ...connect,
        }),
      ),
  };
}

function partsOf(database: Database): ServerParts {
  return {
    prepare: () => ensureSchema(database),
    jobs: (options) => new PostgresJobs(database, options),
    schedules: async (firing) => {
      const { PostgresSchedules } = await import("./schedules.ts");
      return new PostgresSchedules(database, firing);
    },
    scheduleWatch: async () => {
      const { scheduleWatch } = await import("./schedules.ts");
      return scheduleWatch(database);
    },
    queues: async () => {
      const { PostgresQueues } = await import("./queues.ts");
      return new PostgresQueues(database);
    },
    requests: () => new PostgresRequestTable(database),
    channel: (topic) => channelOf(database, topic),
    outputs: () => new PostgresLogs(database),
    settings: () => new PostgresSettings(database),
    tallies: async () => {
      const { tallyTable } = await import("./tallies.ts");
      return tallyTable(database);
    },
    maintenance: async (parts) => {
      const { PostgresMaintenance } = await import("./maintenance.ts");
      return new PostgresMaintenance({
        database,
        ready: () => ensureSchema(database),
        ...parts,
      });
    },
    places: (hostId) => new PostgresPlaces(database, hostId),
    lostPlaces: () => lostPlaces(database),
    leases: (settle) => new PostgresLeases(database, settle),
    runningIds: async () => {
      const running = await database.read<{ id: string }>(
        "select id from queuectl.jobs where state = 'processing'",
      );
      return new Set(running.map(({ id }) => id));
    },
    rest: (isResting) => database.rest(isResting),
    close: () => database.close(),
  };
}
