// The overview: counts, charts, workers and what they run, the last failures.
import { durationText } from "../../src/view/times.ts";
import { addressOf, jobsAt } from "../address.ts";
import type { Activity, Failures, Job, JobList, Status, Worker } from "../api.ts";
import { now } from "../clock.ts";
import { useResource } from "../resource.ts";
import { refreshStatus, status } from "../status.ts";
import { useEffect } from "preact/hooks";
import { liveStatus } from "../live.ts";
import { EndedChart, TimesChart } from "../parts/charts.tsx";
import { JobTable } from "../parts/job_table.tsx";
import { Command, JobLink, Nothing, number, Since, STATES, Trouble } from "../parts/words.tsx";
import { jobAt } from "../address.ts";

/** The least milliseconds between two loads of what events do not include. */
const REST = 5000;

export function Overview({ period }: { period: "hour" | "day" }) {
  const activity = useResource<Activity>(`api/activity?period=${period}`);
  const failures = useResource<Failures>("api/failures?limit=8");
  const running = useResource<JobList>("api/jobs?state=processing&limit=200");
  useRefreshedStatus();
  const at = status.value;
  if (at === undefined) return <Trouble problem={activity.problem} />;
  return (
    <>
      <h1 class="unseen">Overview</h1>
      <Counts status={at} />
      <section>
        <h2>
          Ended
          <nav class="choice" aria-label="Period">
            {(["hour", "day"] as const).map((one) => (
              <a
                key={one}
                href={addressOf({ screen: "overview", period: one })}
                aria-current={one === period ? "page" : undefined}
              >
                last {one}
              </a>
            ))}
          </nav>
        </h2>
        <Trouble problem={activity.problem} />
        <div class="charts">
          {activity.data && <EndedChart activity={activity.data} />}
          {activity.data && (
            <>
              <TimesChart title="Waiting time" histogram={activity.data.wait} />
              <TimesChart title="Running time" histogram={activity.data.duration} />
            </>
          )}
        </div>
      </section>
      <Workers status={at} running={running.data?.jobs ?? []} />
      <section>
        <h2>
          Last failures
          <a class="more" href={jobsAt({ state: "dead,failed" })}>All</a>
        </h2>
        <Trouble problem={failures.problem} />
        {failures.data && (failures.data.jobs.length === 0
          ? <Nothing>None.</Nothing>
          : <JobTable jobs={failures.data.jobs} onChanged={failures.reload} />)}
      </section>
    </>
  );
}

/** Keeps the oldest waiting job and the share of failures current. */
function useRefreshedStatus(): void {
  useEffect(() => {
    let [isDue, lastAt] = [false, performance.now()];
    const timer = setInterval(() => {
      if (!isDue || document.hidden || performance.now() - lastAt < REST) return;
      [isDue, lastAt] = [false, performance.now()];
      void refreshStatus();
    }, 1000);
    const unsubscribe = liveStatus.subscribe(() => isDue = true);
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }, []);
}

function Counts({ status: { jobs, oldest_waiting, ended } }: { status: Status }) {
  const { failed_share } = ended.hour;
  return (
    <dl class="counts">
      {STATES.map((state) => (
        <div key={state} class={jobs[state] === 0 ? "none" : ""}>
          <dt>
            <a href={jobsAt({ state })}>
              <span class={`state ${state}`}>{state}</span>
            </a>
          </dt>
          <dd>{number(jobs[state])}</dd>
        </div>
      ))}
      <div class="wide">
        <dt>oldest waiting</dt>
        <dd>
          {oldest_waiting === null
            ? <span class="quiet">none</span>
            : (
              <a href={jobAt(oldest_waiting.id)} title={oldest_waiting.id}>
                {durationText(Math.max(0, now.value - Date.parse(oldest_waiting.due_at)) / 1000)}
              </a>
            )}
        </dd>
      </div>
      <div class="wide">
        <dt>failed, last hour</dt>
        <dd>
          {failed_share === null
            ? <span class="quiet">–</span>
            : `${Number((failed_share * 100).toPrecision(2))} %`}
        </dd>
      </div>
    </dl>
  );
}

function Workers({ status: { workers, orphans }, running }: {
  status: Status;
  running: readonly Job[];
}) {
  const jobs = new Map(running.map((job) => [job.id, job]));
  const busy = workers.filter(({ state }) => state === "busy").length;
  const hosts = new Set(workers.map(({ host }) => host)).size;
  return (
    <section>
      <h2>
        Workers
        <span class="quiet">
          {workers.length === 0
            ? ""
            : `${workers.length}, ${busy} busy${hosts > 1 ? `, on ${hosts} hosts` : ""}`}
        </span>
      </h2>
      {orphans > 0 && (
        <p class="warning">
          {orphans === 1 ? "1 job is still running" : `${orphans} jobs are still running`}{" "}
          although the worker has died. {workers.length > 0
            ? "Another worker takes care of it."
            : "queuectl start takes care of it."}
        </p>
      )}
      {workers.length === 0
        ? (
          <Nothing>
            No workers are running, so no job starts. In a terminal:{" "}
            <code>queuectl start --count 4</code>
          </Nothing>
        )
        : (
          <div class="scroller" tabIndex={0} role="region" aria-label="Workers">
            <table class="workers">
              <thead>
                <tr>
                  <th>Worker</th>
                  <th>Host</th>
                  <th class="right">Pid</th>
                  <th>State</th>
                  <th class="right">For</th>
                  <th>Job</th>
                  <th class="command-column">Command</th>
                </tr>
              </thead>
              <tbody>
                {workers.map((worker) => (
                  <Row key={worker.name} worker={worker} job={jobs.get(worker.job_id ?? "")} />
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

function Row({ worker, job }: { worker: Worker; job: Job | undefined }) {
  const isBusy = worker.state === "busy";
  return (
    <tr>
      <td class="mono">{worker.name}</td>
      <td class="mono cut">{worker.host}</td>
      <td class="right mono">{worker.pid}</td>
      <td>
        <span class={`state ${isBusy ? "processing" : "cancelled"}`}>{worker.state}</span>
      </td>
      <td class="right">
        {job ? <Since time={job.updated_at} /> : (
          <span class="quiet">
            up <Since time={worker.started_at} />
          </span>
        )}
      </td>
      <td class="id-column">{worker.job_id && <JobLink id={worker.job_id} />}</td>
      <td class="command-column">{job && <Command text={job.command} />}</td>
    </tr>
  );
}
