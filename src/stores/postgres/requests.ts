// Requests as rows of a table.
import type { Request, RequestTable } from "../shared/told_requests.ts";
import type { Database } from "./connection.ts";

export class PostgresRequestTable implements RequestTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put({ kind, name }: Request): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `insert into queuectl.requests (kind, name) values ($1, $2)
        on conflict (kind, name) do update set at = excluded.at`,
        [kind, name],
      )
    );
  }

  async remove(requests: readonly Request[]): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `delete from queuectl.requests
        where (kind, name) in (select * from unnest($1::text[], $2::text[]))`,
        [requests.map(({ kind }) => kind), requests.map(({ name }) => name)],
      )
    );
  }

  async all(): Promise<Request[]> {
    return await this.#database.read<Request>("select kind, name from queuectl.requests");
  }
}
