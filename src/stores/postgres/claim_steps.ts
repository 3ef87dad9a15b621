// The claim of a job and the end of its run, as functions of the schema: see schema_claim.ts.
import type { Claim, Job } from "../../queue/job.ts";
import { type Asked, type ClaimSteps, type Found, PlaceLost } from "../shared/claims.ts";
import { type Database, timestamp } from "./connection.ts";
import { codeOf } from "./errors.ts";
import { LONGER_PIECE } from "./outputs.ts";
import { endOf, jobOf, type Row } from "./row.ts";
import { PLACE_LOST } from "./schema_claim.ts";

export class PostgresClaimSteps implements ClaimSteps {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async claim(asked: Asked): Promise<Found | undefined> {
    const [row] = await this.#database.often<Row>(CLAIM, valuesOf(asked)).catch(placeLost);
    return row && foundIn(row);
  }

  finish(before: Job, after: Job, claim: Claim): ReturnType<ClaimSteps["finish"]> {
    const end = endOf(before, after);
    if (end === undefined) return undefined;
    const { worker, pid, attempt, startedAt } = claim;
    const values = [before.id, worker, pid, attempt, timestamp(startedAt), ...end];
    return async (output, next) => {
      const piece = output && [output.from, output.bytes.toBase64()];
      const ending = [...values, ...(piece ?? [null, null])];
      if (next === undefined) {
        const [row] = await this.#database.often<Gated>(FINISH, ending);
        return row!;
      }
      const [row] = await this.#database
        .often<Row & Gated>(FINISH_AND_CLAIM, [...ending, ...valuesOf(next)]).catch(placeLost);
      return { gated: row!.gated, next: row!.id === null ? undefined : foundIn(row!) };
    };
  }
}

interface Gated {
  readonly gated: boolean | null;
}

export const CLAIM = "select * from queuectl.claim($1, $2, $3, $4, $5, $6)";
const END = `with end_of as (
    select queuectl.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) as gated
  ), output as (
    insert into queuectl.outputs as there (job_id, attempt, start, data)
    select $1, $4, $14::bigint, decode($15, 'base64') from end_of
    where gated is not null and $14 is not null
    ${LONGER_PIECE}
  )`;
const FINISH = `${END} select gated from end_of`;
export const FINISH_AND_CLAIM = `${END} select end_of.gated, next.* from end_of
  left join lateral queuectl.claim($16, $17, $18, $19, $20, $21) as next
  on end_of.gated is not null`;

function valuesOf({ by, at, queues, host }: Asked): unknown[] {
  const time = at === undefined ? null : timestamp(at);
  return [by.worker, by.pid, by.host, time, queues ?? null, host ?? null];
}

function foundIn(row: Row): Found {
  return { job: jobOf(row), awaited: row.awaited };
}

function placeLost(error: unknown): never {
  if (codeOf(error) !== PLACE_LOST) throw error;
  throw new PlaceLost((error as Error).message);
}
