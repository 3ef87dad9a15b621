// Where the password of a database is seen.
import { postgresForTests } from "../support/servers.ts";
import { testSecrets } from "./secrets_scenarios.ts";

const server = await postgresForTests();
if (server !== undefined) testSecrets(server);
