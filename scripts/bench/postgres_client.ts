// A client of the benchmark in PostgreSQL. SERVER SECONDS; prints how many jobs it has done.
import { Database } from "../../src/stores/postgres/connection.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { claimFor } from "./claim_for.ts";

const [server, seconds] = Deno.args;
const database = new Database({ name: "the server", server: JSON.parse(server!) });
await database.query("select 1");
await claimFor(new PostgresJobs(database, { ahead: true }), Number(seconds));
await database.close();
