// Schedules: their next times and last jobs; run now, pause and resume.
import { severalLines } from "../../src/view/escape.ts";
import { jobAt } from "../address.ts";
import { durationText, localTime } from "../../src/view/times.ts";
import { type Schedule, type SchedulePage, tell } from "../api.ts";
import { zonedTime } from "../zones.ts";
import { useResource } from "../resource.ts";
import { canChange } from "../status.ts";
import { ActionsHead, useChange } from "../parts/change.tsx";
import { note } from "../parts/dialog.tsx";
import { JobTable } from "../parts/job_table.tsx";
import {
  Ago,
  Command,
  countText,
  JobLink,
  Loading,
  Nothing,
  shortId,
  Trouble,
  When,
} from "../parts/words.tsx";

export function Schedules() {
  const schedules = useResource<readonly Schedule[]>("api/schedules");
  return (
    <>
      <h1>Schedules</h1>
      <Trouble problem={schedules.problem} />
      {schedules.data === undefined && schedules.problem === undefined && <Loading />}
      {schedules.data?.length === 0 && (
        <Nothing>
          None. In a terminal:{" "}
          <code>queuectl schedule add nightly --cron '30 2 * * *' ./backup.sh</code>
        </Nothing>
      )}
      {schedules.data !== undefined && schedules.data.length > 0 && (
        <div class="scroller" tabIndex={0} role="region" aria-label="Schedules">
          <table class="schedules">
            <thead>
              <tr>
                <th>Schedule</th>
                <th>State</th>
                <th>When</th>
                <th>Next</th>
                <th>Last</th>
                <th class="command-column">Command</th>
                <ActionsHead />
              </tr>
            </thead>
            <tbody>
              {schedules.data.map((schedule) => (
                <Row key={schedule.name} schedule={schedule} onChanged={schedules.reload} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ schedule, onChanged }: { schedule: Schedule; onChanged: () => void }) {
  const { act, isBusy, problem } = useActions(schedule, onChanged);
  return (
    <>
      <tr class={schedule.paused ? "paused" : ""}>
        <td>
          <a href={addressOf(schedule)}>{schedule.name}</a>
        </td>
        <td>
          <StateOf schedule={schedule} />
        </td>
        <td class="mono">{whenText(schedule)}</td>
        <td>{schedule.next_at && !schedule.paused && <Ago time={schedule.next_at} />}</td>
        <td>{schedule.last_at && <Ago time={schedule.last_at} />}</td>
        <td class="command-column">
          <Command text={schedule.job.command} />
        </td>
        {canChange.value && (
          <td class="actions stay">
            <Buttons schedule={schedule} isBusy={isBusy.value} act={act} />
          </td>
        )}
      </tr>
      {problem.value && (
        <tr class="refused">
          <td colSpan={7}>
            <Trouble problem={problem.value} onClose={() => problem.value = undefined} />
          </td>
        </tr>
      )}
    </>
  );
}

function addressOf({ name }: Schedule): string {
  return `#/schedules/${encodeURIComponent(name)}`;
}

function StateOf({ schedule: { paused, owed, next_at } }: { schedule: Schedule }) {
  if (paused) return <b class="flag">paused</b>;
  if (owed.length > 0) return <span class="flag">catching up {owed.length}</span>;
  return next_at === null ? <span class="quiet">ended</span> : <span class="quiet">active</span>;
}

function whenText({ cron, every, tz }: Schedule): string {
  return cron === undefined ? `every ${durationText(every ?? 0)}` : `${cron} ${tz}`;
}

type Deed = "run" | "pause" | "resume";

function useActions({ name }: { name: string }, onChanged: () => void) {
  const { isBusy, problem, run } = useChange();
  const act = (deed: Deed) =>
    run(async () => {
      const path = `api/schedules/${encodeURIComponent(name)}/${deed}`;
      const { id, remark } = await tell<{ id?: string; remark?: string | null }>(path);
      if (deed === "run") note(remark ?? `Enqueued: ${shortId(id ?? "")}`, jobAt(id ?? ""));
      else note(`${deed === "pause" ? "Paused" : "Resumed"}: ${name}`);
    }, onChanged);
  return { act, isBusy, problem };
}

function Buttons({ schedule, isBusy, act }: {
  schedule: Schedule;
  isBusy: boolean;
  act: (deed: Deed) => Promise<void>;
}) {
  const other = schedule.paused ? "resume" : "pause";
  return (
    <>
      <button type="button" disabled={isBusy} onClick={() => void act("run")}>Run now</button>
      <button type="button" disabled={isBusy} onClick={() => void act(other)}>
        {schedule.paused ? "Resume" : "Pause"}
      </button>
    </>
  );
}

export function ScheduleScreen({ name }: { name: string }) {
  const page = useResource<SchedulePage>(`api/schedules/${encodeURIComponent(name)}`);
  const { act, isBusy, problem } = useActions({ name }, page.reload);
  const schedule = page.data;
  if (schedule === undefined) {
    return page.problem === undefined ? <Loading /> : <Trouble problem={page.problem} />;
  }
  const hasZone = schedule.cron !== undefined &&
    schedule.next.some((time) => zonedTime(time, schedule.tz) !== localTime(Date.parse(time)));
  return (
    <article>
      <header>
        <h1>
          {schedule.name} <StateOf schedule={schedule} />
        </h1>
        {canChange.value && (
          <div class="actions">
            <Buttons schedule={schedule} isBusy={isBusy.value} act={act} />
          </div>
        )}
      </header>
      <Trouble problem={problem.value} onClose={() => problem.value = undefined} />
      <Trouble problem={page.problem} />
      <div class="subject-box">
        <pre class="subject">{severalLines(schedule.job.command)}</pre>
      </div>
      <dl class="facts">
        <Fact name="When">
          <span class="mono">{whenText(schedule)}</span>
        </Fact>
        <Fact name="Last">{schedule.last_at ? <When time={schedule.last_at} /> : "never"}</Fact>
        {schedule.last_job_id && (
          <Fact name="Last job">
            <JobLink id={schedule.last_job_id} />
          </Fact>
        )}
        <Fact name="Missed times">
          {MISSED[schedule.missed] ?? schedule.missed}
          {schedule.owed.length > 0 && `; ${schedule.owed.length} still to be caught up`}
        </Fact>
        <Fact name="Overlap">
          {schedule.overlap === "skip" ? "not while the job before runs" : schedule.overlap}
        </Fact>
        <Fact name="Skipped">
          {schedule.skipped === 0 ? "never" : countText(schedule.skipped, "time")}
          {schedule.last_skipped_at && (
            <>
              , last <Ago time={schedule.last_skipped_at} />
            </>
          )}
        </Fact>
        {schedule.job.queue !== undefined && <Fact name="Queue">{String(schedule.job.queue)}</Fact>}
        <Fact name="Folder">
          <span class="mono">{String(schedule.job.cwd ?? "")}</span>
        </Fact>
        <Fact name="Added">
          <When time={schedule.created_at} />
        </Fact>
      </dl>
      <section>
        <h2>Next times</h2>
        {schedule.next.length === 0 ? <Nothing>None.</Nothing> : (
          <table class="times">
            <thead>
              <tr>
                <th>Here</th>
                <th>
                  <span class="unseen">From now</span>
                </th>
                {hasZone && <th>{schedule.tz}</th>}
              </tr>
            </thead>
            <tbody>
              {schedule.next.map((time) => (
                <tr key={time}>
                  <td class="mono">{localTime(Date.parse(time))}</td>
                  <td class="quiet">
                    <Ago time={time} />
                  </td>
                  {hasZone && <td class="mono">{zonedTime(time, schedule.tz)}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {schedule.paused && <p class="quiet">It is paused: nothing is enqueued at these times.</p>}
      </section>
      <section>
        <h2>
          Jobs it enqueued
        </h2>
        {schedule.history.length === 0
          ? <Nothing>None yet.</Nothing>
          : <JobTable jobs={schedule.history} onChanged={page.reload} />}
      </section>
    </article>
  );
}

const MISSED: Readonly<Record<string, string>> = {
  last: "one job for the latest of them",
  skip: "no job for them",
  all: "one job for each",
};

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
