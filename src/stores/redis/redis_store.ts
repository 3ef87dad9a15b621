// A store in Redis: how it is reached, and its parts.
import { readClientCertificate } from "../shared/client_certificate.ts";
import { type Handover, readCertificates, readHandover } from "../shared/handover.ts";
import {
  type Server,
  type ServerParts,
  ServerStore,
  type ServerWorld,
} from "../shared/server_store.ts";
import type { ServerLocation } from "../store.ts";
import { ANYWHERE } from "../../system/permissions.ts";
import { channelOf } from "./channel.ts";
import { Redis, type RedisOptions } from "./connection.ts";
import { RedisJobs } from "./jobs.ts";
import { RedisLeases } from "./leases.ts";
import { RedisLogs } from "./outputs.ts";
import { lostPlaces, RedisPlaces } from "./places.ts";
import { netOf, parseServerUrl, queueKey, type ServerUrl } from "./server_url.ts";
import { RedisSettings } from "./settings.ts";
import { requestTable, tallyTable } from "./tables.ts";
import { ensureVersion } from "./version.ts";

export class RedisStore extends ServerStore {
  constructor(location: ServerLocation, world: ServerWorld) {
    super(location, redisServer(location, world), world);
  }
}

function redisServer(location: ServerLocation, world: ServerWorld): Server {
  const url = parseServerUrl(location.url);
  const handover = location.handover === undefined
    ? secretsOf(url, location.password, world)
    : readHandover(location.handover);
  const options = redisOptions(location.url, url, handover);
  // Workers leave it to their `start`: each of them would say it.
  const warn = location.handover === undefined ? world.warn : () => {};
  return {
    key: queueKey(url),
    net: [netOf(url)],
    listens: true,
    handover,
    secrets: { QUEUECTL_STORE: location.url, QUEUECTL_STORE_PASSWORD: handover.password ?? "" },
    connect: (connect) => partsOf({ ...options, ...connect }, warn),
  };
}

const CLIENT_PARAMETERS = { certificate: "cert", key: "key" };

/** What is needed beside the URL. @throws QueueError `refused` */
function secretsOf(
  { certificates, client }: ServerUrl,
  password: string | undefined,
  { env, files }: ServerWorld,
): Handover {
  return {
    password: password ?? (env("QUEUECTL_STORE_PASSWORD") || undefined),
    certificates: certificates && readCertificates(certificates, "cacert", files),
    client: client && readClientCertificate(client, CLIENT_PARAMETERS, files),
  };
}

/** How a connection to the server is made. @param name what users call it */
export function redisOptions(
  name: string,
  { host, port, user, database, prefix, replicas, sentinel, tls }: ServerUrl,
  { password, certificates, client }: Handover,
): RedisOptions {
  return {
    name,
    address: { host, port, tls: tls ? { certificates, client } : undefined },
    user,
    password,
    database,
    prefix,
    replicas,
    sentinel,
  };
}

function partsOf(options: RedisOptions, warn: ServerWorld["warn"]): ServerParts {
  const redis = new Redis(options);
  return {
    prepare: () => ensureVersion(redis),
    jobs: (options) => new RedisJobs(redis, options),
    schedules: async (firing) => {
      const { RedisSchedules } = await import("./schedules.ts");
      return new RedisSchedules(redis, firing);
    },
    scheduleWatch: async () => {
      const { scheduleWatch } = await import("./schedules.ts");
      return scheduleWatch(redis);
    },
    queues: async () => {
      const { RedisQueues } = await import("./queues.ts");
      return new RedisQueues(redis);
    },
    requests: () => requestTable(redis),
    channel: (topic) => channelOf(redis, topic),
    outputs: () => new RedisLogs(redis),
    settings: () => new RedisSettings(redis),
    tallies: () => Promise.resolve(tallyTable(redis)),
    maintenance: async (parts) => {
      const { RedisMaintenance } = await import("./maintenance.ts");
      return new RedisMaintenance({ redis, options, ...parts });
    },
    places: (hostId) => new RedisPlaces(redis, hostId),
    lostPlaces: () => lostPlaces(redis),
    leases: (settle) => new RedisLeases(redis, { settle, warn, replicas: options.replicas ?? 0 }),
    runningIds: async () => new Set(await redis.read("HKEYS", "running") as string[]),
    // A node may be added to a cluster, or a replica become the master, at any time.
    net: async () => await redis.mayMove() ? [netOf(options.address), ANYWHERE] : undefined,
    rest: (isResting) => redis.rest(isResting),
    close: () => redis.close(),
  };
}
