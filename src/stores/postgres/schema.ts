// The tables of the store and their versions: made by the first who comes, changed by the first of a
// newer version. An older program does not touch what a newer one has made.
import { QueueError } from "../../queue/errors.ts";
import { type Database, NO_TIME_LIMITS, quoted, type Sql } from "./connection.ts";
import { codeOf } from "./errors.ts";
import {
  CLAIM_FUNCTIONS,
  EXPIRY_FUNCTION,
  FINISH_FUNCTION,
  WAITING_FUNCTIONS,
} from "./schema_claim.ts";
import { ENQUEUE_FUNCTIONS, ENQUEUE_PARTS } from "./schema_enqueue.ts";
import { HOST_TABLES } from "./schema_hosts.ts";
import { ENDED_INDEX, JOB_TABLES, ROW_IDENTITIES } from "./schema_jobs.ts";

/** What leads from each version to the next; only ever added to. */
const MIGRATIONS: readonly string[] = [
  JOB_TABLES + HOST_TABLES + EXPIRY_FUNCTION + CLAIM_FUNCTIONS + FINISH_FUNCTION +
  WAITING_FUNCTIONS +
  ENQUEUE_PARTS + ENQUEUE_FUNCTIONS,
  ENDED_INDEX,
  ENQUEUE_FUNCTIONS + ROW_IDENTITIES,
  FINISH_FUNCTION + ENQUEUE_FUNCTIONS,
];

/** One after the other, whatever the schema: who makes the tables holds this lock. */
const LOCK = 7_365_120_311;

/**
 * Makes the tables, or brings them up to date, where that is needed.
 * @throws QueueError `refused` if the tables are newer than this program, or rights are missing
 */
export async function ensureSchema(database: Database): Promise<void> {
  const version = await versionOf(database, (text) => database.read(text));
  if (version === MIGRATIONS.length) return;
  refuseNewer(database.name, version);
  try {
    await database.transaction(async (sql) => {
      // Others may be at it, and large tables take their time.
      await sql.query(NO_TIME_LIMITS);
      await sql.query("select pg_advisory_xact_lock($1)", [LOCK]);
      await migrate(database, sql);
    });
  } catch (error) {
    if (codeOf((error as Error).cause) !== "42501") throw error;
    const why = ((error as Error).cause as Error).message;
    const [doing, who] = version === undefined
      ? ["make", "Have the owner of the database run"]
      : ["change", "Let their owner use this version once, or run"];
    throw new QueueError("refused", `Cannot ${doing} the tables of ${database.name}: ${why}`, {
      hint: `${who} what this prints: queuectl storage check --repair`,
      cause: error,
    });
  }
}

/**
 * What somebody with more rights has to run, so that `ensureSchema` succeeds.
 * @throws QueueError `refused` where there are tables that the user may not see
 */
export async function schemaScript(database: Database): Promise<string> {
  const schema = quoted(database.schema);
  const version = await versionOf(database, (text) => database.read(text), database);
  if (version !== undefined) {
    const steps = MIGRATIONS.slice(version).join("\n").replaceAll("queuectl.", `${schema}.`);
    return `begin;\n${steps}\n` +
      `update ${schema}.version set version = ${MIGRATIONS.length};\ncommit;\n`;
  }
  // The user then makes the tables, and so owns them: only an owner can change them later.
  const [row] = await database.read<{ user: string }>("select current_user::text as user");
  return `create schema if not exists ${schema};\n` +
    `grant usage, create on schema ${schema} to ${quoted(row!.user)};\n`;
}

async function migrate(database: Database, sql: Sql): Promise<void> {
  let version = await versionOf(database, (text) => sql.query(text), sql);
  refuseNewer(database.name, version);
  if (version === undefined) {
    const there = await sql.query("select from pg_namespace where nspname = $1", [database.schema]);
    if (there.length === 0) await sql.query(`create schema ${quoted(database.schema)}`);
    await sql.query("create table queuectl.version (version integer not null)");
    await sql.query("insert into queuectl.version values (0)");
    version = 0;
  }
  for (const step of MIGRATIONS.slice(version)) await sql.query(step);
  await sql.query("update queuectl.version set version = $1", [MIGRATIONS.length]);
}

/** The version of the tables; undefined if there are none. */
async function versionOf(
  { schema }: Database,
  read: (text: string) => Promise<{ version?: number }[]>,
  sql?: Sql,
): Promise<number | undefined> {
  // Within a transaction a table that is missing may not be asked.
  if (sql !== undefined) {
    const there = await sql.query(
      "select from pg_tables where schemaname = $1 and tablename = $2",
      [
        schema,
        "version",
      ],
    );
    if (there.length === 0) return undefined;
  }
  try {
    const [row] = await read("select version from queuectl.version");
    if (row !== undefined) return row.version;
    throw new QueueError("damaged", `Cannot use the tables in ${schema}: its version is gone`, {
      hint: `Tell it: insert into ${quoted(schema)}.version values (${MIGRATIONS.length})`,
    });
  } catch (error) {
    const code = codeOf(error);
    if (code === "42P01" || code === "3F000") return undefined;
    throw error;
  }
}

function refuseNewer(name: string, version: number | undefined): void {
  if (version === undefined || version <= MIGRATIONS.length) return;
  throw new QueueError(
    "refused",
    `Cannot use ${name}: its tables were made by a newer queuectl (version ${version}, this one ` +
      `knows ${MIGRATIONS.length})`,
    { hint: "Install that version here, too" },
  );
}
