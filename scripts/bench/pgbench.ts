// What is measured beside the store in PostgreSQL: scripts for pgbench, a client in C, which sends all
// statements prepared.
import { CLAIM, FINISH_AND_CLAIM } from "../../src/stores/postgres/claim_steps.ts";

/** The two steps of each job as anybody would write them, on the same table. */
export const PLAIN_STEPS = `
with next as materialized (
  select id from queuectl.jobs where line = 'open'
  order by priority desc, turn, created_at, sequence, id limit 1 for update skip locked
)
update queuectl.jobs j
set state = 'processing', before_state = state, line = null, turn = null, attempts = attempts + 1,
  worker = 'w' || :client_id, host = 'box', pid = 1, started_at = clock_timestamp()
from next where j.id = next.id returning j.id \\gset
update queuectl.jobs set state = 'completed', since = clock_timestamp(), worker = null,
  host = null, pid = null, started_at = null, before_state = null,
  history = history || jsonb_build_object('attempt', 1, 'worker', worker, 'host', host,
    'pid', pid, 'started_at', started_at, 'ended_at', clock_timestamp(),
    'outcome', 'succeeded', 'exit_code', 0, 'signal', null, 'error', null)
where id = :id and worker = 'w' || :client_id and attempts = 1;
`;

const HISTORY = `jsonb_build_array(jsonb_build_object('attempt', 1, 'worker', 'w', 'host', 'box',
  'pid', 1, 'started_at', now(), 'ended_at', now(), 'outcome', 'succeeded', 'exit_code', 0,
  'signal', null, 'error', null))`;

/** The statements that the store sends, with values in place of its parameters. */
export function ownSteps(): string {
  const by = ["'w' || :client_id::text", "1", "'box'", "null", "null", "null"];
  const [worker, pid] = by;
  // What `gset` has kept of the job that was claimed before.
  const [id, begun] = [":id::text", ":started_at::timestamptz"];
  const end = ["'completed'", begun, "null", "null", "1", "0", "null", HISTORY, "null", "null"];
  return `
\\if :begun = 0
  ${withValues(CLAIM, by)} \\gset
  \\set begun 1
\\endif
${withValues(FINISH_AND_CLAIM, [id, worker!, pid!, "1", begun, ...end, ...by])} \\gset
`;
}

function withValues(statement: string, values: readonly string[]): string {
  return statement.replace(/\$(\d+)/g, (_, n) => values[Number(n) - 1]!);
}

/** The newest that is installed. */
export function pgbenchPath(): string | undefined {
  const folders = ["/usr/bin"];
  try {
    for (const { name } of Deno.readDirSync("/usr/lib/postgresql")) {
      folders.unshift(`/usr/lib/postgresql/${name}/bin`);
    }
  } catch {
    // Not of Debian.
  }
  return folders.map((folder) => `${folder}/pgbench`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
