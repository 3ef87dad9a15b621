// One job: its facts, dependencies, attempts and output, and actions on it.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { severalLines } from "../../src/view/escape.ts";
import { jobAt, jobsAt } from "../address.ts";
import { type AttemptJson, type Graph, type JobPage, jobPath } from "../api.ts";
import { durationText } from "../../src/view/times.ts";
import { watchJobs } from "../live.ts";
import { go } from "../place.ts";
import { useResource } from "../resource.ts";
import { canChange, canEnqueue } from "../status.ts";
import { actOn, canBe, dropRefusal, refusals, type Verb } from "../parts/act.tsx";
import { note } from "../parts/dialog.tsx";
import { JobGraph } from "../parts/graph.tsx";
import { Actions } from "../parts/job_table.tsx";
import { useKeys } from "../parts/keys.tsx";
import { Log } from "../parts/log.tsx";
import {
  Detail,
  endText,
  Loading,
  Nothing,
  Since,
  State,
  tookText,
  Trouble,
  When,
} from "../parts/words.tsx";

/** How many attempts are shown at first, the latest ones. */
const FEW = 5;

export function JobScreen({ id, attempt }: { id: string; attempt: number | undefined }) {
  const page = useResource<JobPage>(jobPath(id), { follow: false });
  const graph = useResource<Graph>(jobPath(id, "/graph"));
  const job = page.data;
  const whole = job?.id ?? id;
  useEffect(() =>
    watchJobs([whole], ({ jobs, removed }) => {
      const news = jobs.find((one) => one.id === whole);
      if (removed.includes(whole)) return page.reload();
      if (news === undefined || job === undefined) return;
      if (news.state !== job.state || news.updated_at !== job.updated_at) page.reload();
    }), [whole, job?.state, job?.updated_at]);
  const act = (verb: Verb) => {
    if (job && canChange.value && canBe(verb, job.state)) actOn(verb, job, page.reload);
  };
  useKeys({ r: () => act("retry"), c: () => act("cancel"), Delete: () => act("remove") });

  if (job === undefined) {
    if (page.problem === undefined) return <Loading />;
    const isGone = page.problem.code === "not_found";
    return (
      <>
        {!isGone && <Trouble problem={page.problem} />}
        <Nothing>
          {isGone && (
            <>
              There is no job <span class="mono">{id}</span>. It may have been removed.{" "}
            </>
          )}
          <a href={jobsAt()}>All jobs</a>
        </Nothing>
      </>
    );
  }
  const last = job.history.at(-1)?.attempt;
  const chosen = attempt ?? last;
  const ended = job.history.findLast(({ ended_at }) => ended_at !== null) ?? null;
  return (
    <article class="job">
      <header>
        <h1>
          <State state={job.state} />
          <span class="detail">
            <Detail job={{ ...job, last: ended }} />
          </span>
          <span class="mono id">{job.id}</span>
          <button type="button" class="plain" onClick={() => void copy(job.id)}>Copy id</button>
        </h1>
        <div class="actions">
          {canChange.value && <Actions job={job} onChanged={page.reload} />}
          {canEnqueue.value && (
            <a class="button" href={`#/enqueue?from=${encodeURIComponent(job.id)}`}>
              Enqueue again…
            </a>
          )}
        </div>
      </header>
      <Trouble problem={refusals.value.get(job.id)} onClose={() => dropRefusal(job.id)} />
      <Trouble problem={page.problem} />
      {job.orphaned && (
        <p class="warning">
          Its worker has died, but the job is still running. A running <code>queuectl start</code>
          {" "}
          takes care of it.
        </p>
      )}
      <div class="subject-box">
        <pre class="subject">{severalLines(job.command)}</pre>
        <button type="button" class="plain" onClick={() => void copy(job.command)}>Copy</button>
      </div>
      <Facts job={job} />
      {graph.data !== undefined && graph.data.nodes.length > 1 && (
        <JobGraph graph={graph.data} id={job.id} />
      )}
      {job.history.length > 0 && <Attempts job={job} chosen={chosen} />}
      {chosen === undefined ? <Nothing>It has not run yet, so there is no output.</Nothing> : (
        <Log
          key={`${job.id} ${chosen}`}
          id={job.id}
          attempt={chosen}
          isRunning={job.state === "processing" && chosen === last}
        />
      )}
    </article>
  );
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    note("Copied");
  } catch {
    note("The browser does not allow copying here");
  }
}

function Facts({ job }: { job: JobPage }) {
  const env = Object.keys(job.env);
  return (
    <dl class="facts">
      <Fact name="Enqueued">
        <When time={job.created_at} />
      </Fact>
      {job.run_at && (
        <Fact name={job.state === "failed" ? "Next try" : "Not before"}>
          <When time={job.run_at} />
        </Fact>
      )}
      {job.start_by && (
        <Fact name="Start by">
          <When time={job.start_by} />
        </Fact>
      )}
      <Fact name="Folder">
        <span class="mono">{job.cwd}</span>
      </Fact>
      <Fact name="Queue">
        <a href={jobsAt({ queue: job.queue })}>{job.queue}</a>
      </Fact>
      {job.group && (
        <Fact name="Group">
          <a href={jobsAt({ group: job.group })}>{job.group}</a>
        </Fact>
      )}
      {job.schedule && (
        <Fact name="Schedule">
          <a href={`#/schedules/${encodeURIComponent(job.schedule)}`}>{job.schedule}</a>
        </Fact>
      )}
      <Fact name="Tries">
        {job.attempts}{" "}
        <span class="quiet">
          {job.max_retries === 0
            ? "no retries"
            : `at most ${job.max_retries} ${job.max_retries === 1 ? "retry" : "retries"}`}
        </span>
      </Fact>
      <Fact name="Priority">{job.priority}</Fact>
      <Fact name="Timeout">{job.timeout === 0 ? "none" : durationText(job.timeout)}</Fact>
      {job.unique && (
        <Fact name="Unique key">
          <span class="mono">{job.unique}</span>
        </Fact>
      )}
      {env.length > 0 && (
        <Fact name="Environment">
          <span class="mono" title="Values are never shown here">{env.join(" ")}</span>
        </Fact>
      )}
      {job.reason && <Fact name="Reason">{job.reason}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Attempts({ job, chosen }: { job: JobPage; chosen: number | undefined }) {
  const hosts = new Set(job.history.map(({ host }) => host));
  const all = useSignal(false);
  const latest = job.history.toReversed();
  const shown = all.value
    ? latest
    : latest.filter(({ attempt }, i) => i < FEW || attempt === chosen);
  return (
    <section>
      <h2>Attempts</h2>
      <div class="scroller" tabIndex={0} role="region" aria-label="Attempts">
        <table class="attempts">
          <thead>
            <tr>
              <th class="right">#</th>
              <th>Outcome</th>
              <th>Started</th>
              <th class="right">Took</th>
              <th>Worker</th>
              {(hosts.size > 1 || !hosts.has(null)) && <th>Host</th>}
              <th>Reason</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr
                key={one.attempt}
                class={one.attempt === chosen ? "selected" : ""}
                onClick={() => go(jobAt(job.id, one.attempt), { replace: true })}
              >
                <td class="right">
                  <a
                    href={jobAt(job.id, one.attempt)}
                    aria-current={one.attempt === chosen ? "true" : undefined}
                    aria-label={`Output of attempt ${one.attempt}`}
                  >
                    {one.attempt}
                  </a>
                </td>
                <td>
                  <span class={`state ${stateOf(one)}`}>{endText(one)}</span>
                </td>
                <td>
                  <When time={one.started_at} />
                </td>
                <td class="right">
                  {one.ended_at === null ? <Since time={one.started_at} /> : tookText(one)}
                </td>
                <td class="mono">{one.worker}</td>
                {(hosts.size > 1 || !hosts.has(null)) && <td class="mono">{one.host}</td>}
                <td class="reason">{one.error}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < latest.length && (
        <button
          type="button"
          class="plain"
          onClick={() => all.value = true}
        >
          All {latest.length} attempts
        </button>
      )}
    </section>
  );
}

/** The state whose colour an outcome is shown in. */
function stateOf({ outcome }: AttemptJson): string {
  switch (outcome) {
    case null:
      return "processing";
    case "succeeded":
      return "completed";
    case "cancelled":
      return "cancelled";
    case "released":
      return "pending";
    default:
      return "dead";
  }
}
