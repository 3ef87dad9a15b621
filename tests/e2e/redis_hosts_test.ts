// Hosts that share a Redis server.
import { redisForTests } from "../support/servers.ts";
import { testHosts } from "./hosts_scenarios.ts";

const server = await redisForTests();
if (server !== undefined) testHosts(server);
