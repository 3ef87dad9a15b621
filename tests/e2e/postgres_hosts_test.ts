// Hosts that share a PostgreSQL database.
import { postgresForTests } from "../support/servers.ts";
import { testHosts } from "./hosts_scenarios.ts";

const server = await postgresForTests();
if (server !== undefined) testHosts(server);
