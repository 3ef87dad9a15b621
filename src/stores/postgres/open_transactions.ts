// Transactions of anybody that have been open for long. The database keeps whatever they may still
// see, so dead rows stay at the head of the line, and every claim reads them: after 10,000 claims it
// takes eight times as long.
import type { OpenTransaction } from "../../queue/maintenance.ts";
import type { Sql } from "./connection.ts";

/** Seconds for which one may be open before it is told. */
const LONG = 60;

/**
 * Without the role pg_read_all_stats one sees those of one's own user alone.
 * @param longest seconds after which one is told
 */
export async function openTransactions(sql: Sql, longest = LONG): Promise<OpenTransaction[]> {
  return await sql.query<OpenTransaction>(OPEN, [longest]);
}

const OPEN = `
select 'process ' || pid || ' (' || coalesce(nullif(application_name, ''), 'no name') || ', user '
    || usename || ', ' || state || ')' as who,
  extract(epoch from clock_timestamp() - xact_start)::float8 as seconds,
  'select pg_terminate_backend(' || pid || ')' as remedy
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend'
  and (backend_xmin is not null or backend_xid is not null)
  and xact_start < clock_timestamp() - make_interval(secs => $1)
union all
select 'prepared transaction ' || quote_literal(gid) || ' (user ' || owner || ')',
  extract(epoch from clock_timestamp() - prepared)::float8,
  'commit prepared ' || quote_literal(gid)
from pg_prepared_xacts
where database = current_database() and prepared < clock_timestamp() - make_interval(secs => $1)
order by 2 desc limit 5`;
