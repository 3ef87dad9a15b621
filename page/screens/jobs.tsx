// The job list: filtered, page by page, newest first. It updates itself, except while the user is
// about to click: rows must not move under the pointer.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { addressOf, askedFor, type Filter, jobsAt, type Place, search } from "../address.ts";
import type { Job, JobList } from "../api.ts";
import { watchJobs } from "../live.ts";
import { canChange } from "../status.ts";
import { useResource } from "../resource.ts";
import { canBe, nameOf, VERBS } from "../parts/act.tsx";
import { actOnMany, type Target } from "../parts/many.tsx";
import { Filters, StateTabs } from "../parts/filters.tsx";
import { isDialogOpen } from "../parts/dialog.tsx";
import { JobTable } from "../parts/job_table.tsx";
import { go } from "../place.ts";
import { useKeys } from "../parts/keys.tsx";
import { Ago, countText, Loading, Nothing, number, Trouble } from "../parts/words.tsx";

type JobsPlace = Extract<Place, { screen: "jobs" }>;

const LIMIT = 50;
/** Milliseconds after a pointer move over the list during which it does not change. */
const STILL = 4000;

/** The cursors of the pages visited so far, by filter. */
const cursors = new Map<string, (string | undefined)[]>();

export function Jobs({ filter, cursor, page }: JobsPlace) {
  const path = `api/jobs${search({ ...askedFor(filter), cursor, limit: String(LIMIT) })}`;
  const list = useResource<JobList>(path, { follow: page === 1 });
  const shown = useSignal<{ path: string; list: JobList } | undefined>(undefined);
  const gone = useSignal<ReadonlySet<string>>(new Set());
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const movedAt = useRef(-STILL);
  const table = useRef<HTMLDivElement>(null);

  const show = (next: JobList) => {
    shown.value = { path, list: next };
    gone.value = new Set();
    const there = new Set(next.jobs.map(({ id }) => id));
    selected.value = new Set([...selected.value].filter((id) => there.has(id)));
  };
  const mayMove = () =>
    selected.value.size === 0 && !isDialogOpen() && scrollY < 100 &&
    performance.now() - movedAt.current > STILL &&
    !table.current?.contains(document.activeElement);
  useEffect(() => {
    if (list.data !== undefined && (shown.value?.path !== path || mayMove())) show(list.data);
  }, [list.data]);
  const here = shown.value?.path === path ? shown.value.list : list.data;
  const ids = here?.jobs.map(({ id }) => id) ?? [];
  useEffect(() =>
    watchJobs(ids, ({ jobs, removed }) => {
      const news = new Map(jobs.map((job) => [job.id, job]));
      if (shown.value === undefined) return;
      const { list: before } = shown.value;
      const after = { ...before, jobs: before.jobs.map((job) => news.get(job.id) ?? job) };
      shown.value = { ...shown.value, list: after };
      const lost = removed.filter((id) => ids.includes(id));
      if (lost.length > 0) gone.value = new Set([...gone.value, ...lost]);
    }), [ids.join()]);

  const key = jobsAt(filter);
  const known = cursors.get(key) ?? [];
  known[page - 1] = cursor;
  if (here?.next_cursor) known[page] = here.next_cursor;
  cursors.set(key, known);
  const newer = page === 1
    ? undefined
    : addressOf({ screen: "jobs", filter, cursor: known[page - 2], page: page - 1 });
  const older = here?.next_cursor
    ? addressOf({ screen: "jobs", filter, cursor: here.next_cursor, page: page + 1 })
    : undefined;
  const reload = () => {
    selected.value = new Set();
    movedAt.current = -STILL;
    list.reload();
  };
  useKeys({
    "[": () => newer && go(newer),
    "]": () => older && go(older),
    "/": () => document.querySelector<HTMLInputElement>("#filter-command")?.focus(),
    Escape: () => selected.value = new Set(),
  });

  return (
    <>
      <h1 class="unseen">Jobs</h1>
      <StateTabs filter={filter} />
      <div class="toolbar">
        <Filters filter={filter} />
        {canChange.value && (
          <Bulk filter={filter} selected={selected.value} jobs={here} after={reload} />
        )}
      </div>
      <Trouble problem={list.problem} />
      <div
        ref={table}
        onPointerMove={() => movedAt.current = performance.now()}
        onPointerLeave={() => movedAt.current = -STILL}
      >
        <News from={here} to={list.data} onShow={() => list.data && show(list.data)} />
        {here !== undefined && (
          <JobTable
            jobs={here.jobs}
            gone={gone.value}
            selected={canChange.value ? selected : undefined}
            onChanged={list.reload}
          />
        )}
        {here === undefined && list.problem === undefined && <Loading />}
        {here?.jobs.length === 0 && <Empty list={here} filter={filter} />}
      </div>
      {here !== undefined && (
        <nav class="pager" aria-label="Pages">
          {newer ? <a href={newer} rel="prev">← Newer</a> : <span class="quiet">← Newer</span>}
          <span class="quiet">Page {number(page)}</span>
          {older ? <a href={older} rel="next">Older →</a> : <span class="quiet">Older →</span>}
          {here.looked_to !== null && (
            <span class="quiet">
              Searched back to jobs enqueued{" "}
              <Ago time={here.looked_to} />. “Older” continues the search.
            </span>
          )}
        </nav>
      )}
    </>
  );
}

/** The number of new jobs, while the list does not update itself. */
function News({ from, to, onShow }: {
  from: JobList | undefined;
  to: JobList | undefined;
  onShow: () => void;
}) {
  if (from === undefined || to === undefined || from === to) return null;
  const known = new Set(from.jobs.map(({ id }) => id));
  const count = to.jobs.filter(({ id }) => !known.has(id)).length;
  if (count === 0) return null;
  return (
    <p class="news" role="status">
      <button type="button" onClick={onShow}>
        Show {count === LIMIT ? `${LIMIT}+ new jobs` : countText(count, "new job")}
      </button>
    </p>
  );
}

function Empty({ list, filter }: { list: JobList; filter: Filter }) {
  if (list.looked_to !== null) {
    return <Nothing>None found so far. “Older” continues the search.</Nothing>;
  }
  if (Object.keys(filter).length > 0) {
    return (
      <Nothing>
        No matching jobs. <a href={jobsAt()}>Show all</a>
      </Nothing>
    );
  }
  return (
    <Nothing>
      No jobs yet. In a terminal: <code>queuectl enqueue 'echo hello'</code>
    </Nothing>
  );
}

/** The buttons for all matching jobs, or for the selected ones. */
function Bulk({ filter, selected, jobs, after }: {
  filter: Filter;
  selected: ReadonlySet<string>;
  jobs: JobList | undefined;
  after: () => void;
}) {
  const target: Target = selected.size > 0 ? { ids: [...selected] } : { filter };
  const states = selected.size > 0
    ? jobs?.jobs.filter(({ id }) => selected.has(id)).map(({ state }) => state) ?? []
    : filter.state?.split(",") as Job["state"][] | undefined;
  const verbs = VERBS.filter((verb) => states?.some((state) => canBe(verb, state)) ?? true);
  const what = selected.size > 0 ? `${selected.size} selected` : "all matching jobs";
  const act = (verb: typeof VERBS[number]) => {
    if (selected.size > 0 && verbs.includes(verb)) actOnMany(verb, target, after);
  };
  useKeys(
    selected.size > 0
      ? { r: () => act("retry"), c: () => act("cancel"), Delete: () => act("remove") }
      : {},
  );
  return (
    <div class={selected.size > 0 ? "bulk has-selection" : "bulk"} role="group" aria-label={what}>
      <span class="quiet">
        {selected.size > 0 ? `${selected.size} selected:` : "All matching:"}
      </span>
      {verbs.map((verb) => (
        <button
          key={verb}
          type="button"
          onClick={() => actOnMany(verb, target, after)}
        >
          {nameOf(verb)}…
        </button>
      ))}
    </div>
  );
}
