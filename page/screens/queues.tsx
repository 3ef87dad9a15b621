// Queues: what waits and runs, limits and rates, pause and resume.
import { durationText } from "../../src/view/times.ts";
import { jobsAt } from "../address.ts";
import { type Queue, tell } from "../api.ts";
import { now } from "../clock.ts";
import { useResource } from "../resource.ts";
import { canChange } from "../status.ts";
import { ActionsHead, useChange } from "../parts/change.tsx";
import { note } from "../parts/dialog.tsx";
import { Loading, Nothing, number, Trouble } from "../parts/words.tsx";

export function Queues() {
  const queues = useResource<readonly Queue[]>("api/queues");
  return (
    <>
      <h1>Queues</h1>
      <Trouble problem={queues.problem} />
      {queues.data === undefined && queues.problem === undefined && <Loading />}
      {queues.data?.length === 0 && <Nothing>No queues yet: the first job creates one.</Nothing>}
      {queues.data !== undefined && queues.data.length > 0 && (
        <div class="scroller" tabIndex={0} role="region" aria-label="Queues">
          <table class="queues">
            <thead>
              <tr>
                <th>Queue</th>
                <th>State</th>
                <th class="right">Waiting</th>
                <th class="right">Oldest</th>
                <th class="right">Running</th>
                <th class="right">Limit</th>
                <th class="right">Rate</th>
                <ActionsHead />
              </tr>
            </thead>
            <tbody>
              {queues.data.map((queue) => (
                <Row key={queue.name} queue={queue} onChanged={queues.reload} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="quiet">
        Limits and rates are set in a terminal: <code>queuectl queue set NAME --limit 2</code>
      </p>
    </>
  );
}

function Row({ queue, onChanged }: { queue: Queue; onChanged: () => void }) {
  const { isBusy, problem, run } = useChange();
  const { name, paused, waiting, running, limit, rate, oldest_waiting_at } = queue;
  const change = () =>
    run(async () => {
      await tell(`api/queues/${encodeURIComponent(name)}/${paused ? "resume" : "pause"}`);
      note(`${paused ? "Resumed" : "Paused"}: ${name}`);
    }, onChanged);
  return (
    <>
      <tr class={paused ? "paused" : ""}>
        <td>
          <a href={jobsAt({ queue: name })}>{name}</a>
        </td>
        <td>
          {paused ? <b class="flag">paused: no job starts</b> : <span class="quiet">open</span>}
        </td>
        <td class="right">{number(waiting)}</td>
        <td class="right">
          {oldest_waiting_at === null
            ? ""
            : durationText(Math.max(0, now.value - Date.parse(oldest_waiting_at)) / 1000)}
        </td>
        <td class="right">{number(running)}</td>
        <td class="right">
          {limit === null
            ? <span class="quiet">none</span>
            : <span class={running >= limit ? "full" : ""}>{limit}</span>}
        </td>
        <td class="right">
          {rate === null ? <span class="quiet">none</span> : (
            `${rate.count} in ${durationText(rate.seconds)}`
          )}
        </td>
        {canChange.value && (
          <td class="actions stay">
            <button type="button" disabled={isBusy.value} onClick={() => void change()}>
              {paused ? "Resume" : "Pause"}
            </button>
          </td>
        )}
      </tr>
      {problem.value && (
        <tr class="refused">
          <td colSpan={8}>
            <Trouble problem={problem.value} onClose={() => problem.value = undefined} />
          </td>
        </tr>
      )}
    </>
  );
}
