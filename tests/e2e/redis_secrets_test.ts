// Where the password of a Redis server is seen, which wants one.
import { redisForTests } from "../support/servers.ts";
import { SECRET, testSecrets } from "./secrets_scenarios.ts";

const server = await redisForTests({ settings: ["--requirepass", SECRET] });
if (server !== undefined) testSecrets(server);
