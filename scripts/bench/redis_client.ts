// A client of the benchmark in Redis. SOCKET SECONDS; prints how many jobs it has done.
import { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { claimFor } from "./claim_for.ts";

const [host, seconds] = Deno.args;
const redis = new Redis({
  name: "the server",
  address: { host: host!, port: 0 },
  prefix: "queuectl",
});
await redis.info();
await claimFor(new RedisJobs(redis, { ahead: true }), Number(seconds));
await redis.close();
