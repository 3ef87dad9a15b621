// The dead letter queue: failed jobs, grouped by command and exit code.
import { exactly, type Filter, jobAt, jobsAt } from "../address.ts";
import type { Dlq } from "../api.ts";
import { useResource } from "../resource.ts";
import { canChange } from "../status.ts";
import type { Verb } from "../parts/act.tsx";
import { actOnMany } from "../parts/many.tsx";
import { ActionsHead } from "../parts/change.tsx";
import {
  Ago,
  Command,
  countText,
  JobLink,
  Loading,
  Nothing,
  number,
  Trouble,
} from "../parts/words.tsx";

type Group = Dlq["groups"][number];

/** Longer commands are too much for an address. */
const LONG = 2000;

/** A filter for just the jobs of a group. */
function filterOf({ command, exit_code }: Group): Filter {
  return {
    state: "dead",
    command: exactly(command),
    exit_code: String(exit_code ?? "none"),
  };
}

export function Dead() {
  const dlq = useResource<Dlq>("api/dlq");
  const { data } = dlq;
  const all = { state: "dead" };
  return (
    <>
      <header>
        <h1>
          Dead letter queue
          {data !== undefined && data.total > 0 && (
            <span class="quiet">
              {countText(data.total, "job")}, the oldest <Ago time={data.oldest_at!} />, the newest
              {" "}
              <Ago time={data.newest_at!} />
            </span>
          )}
        </h1>
        {canChange.value && data !== undefined && data.total > 0 && (
          <div class="actions">
            {(["retry", "remove"] as const).map((verb) => (
              <button
                key={verb}
                type="button"
                onClick={() => actOnMany(verb, { filter: all }, dlq.reload)}
              >
                {verb === "retry" ? "Retry all…" : "Remove all…"}
              </button>
            ))}
          </div>
        )}
      </header>
      <Trouble problem={dlq.problem} />
      {data === undefined && dlq.problem === undefined && <Loading />}
      {data?.total === 0 && <Nothing>Empty: no job has failed for good.</Nothing>}
      {data !== undefined && data.groups.length > 0 && (
        <table class="jobs dead-letters">
          <thead>
            <tr>
              <th class="right">Jobs</th>
              <th>Ended with</th>
              <th class="command-column">Command</th>
              <th>Newest</th>
              <th>Id</th>
              <ActionsHead />
            </tr>
          </thead>
          <tbody>
            {data.groups.map((group) => (
              <Row
                key={`${group.exit_code} ${group.command}`}
                group={group}
                onChanged={dlq.reload}
              />
            ))}
          </tbody>
        </table>
      )}
      {data !== undefined && data.left_out > 0 && (
        <p class="quiet">… and {countText(data.left_out, "group")} more</p>
      )}
    </>
  );
}

function Row({ group, onChanged }: { group: Group; onChanged: () => void }) {
  const { command, exit_code, signal, count, newest_at, newest_id } = group;
  const act = (verb: Verb) => actOnMany(verb, { filter: filterOf(group) }, onChanged);
  return (
    <tr>
      <td class="right">
        <b>{number(count)}</b>
      </td>
      <td class="state-column">
        <span class="state dead">
          {signal ?? (exit_code === null ? "no exit code" : `exit ${exit_code}`)}
        </span>
      </td>
      <td class="command-column">
        <a class="open" href={command.length > LONG ? jobAt(newest_id) : jobsAt(filterOf(group))}>
          <Command text={command} />
        </a>
      </td>
      <td class="age">
        <Ago time={newest_at} />
      </td>
      <td class="id-column">
        <JobLink id={newest_id} />
      </td>
      {canChange.value && (
        <td class="actions stay">
          <button type="button" class="plain" onClick={() => act("retry")}>Retry…</button>
          <button type="button" class="plain" onClick={() => act("remove")}>Remove…</button>
        </td>
      )}
    </tr>
  );
}
