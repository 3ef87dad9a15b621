// The filters of the job list. Their values are kept in the address.
import { useEffect, useRef } from "preact/hooks";
import { type Filter, jobsAt } from "../address.ts";
import type { Queue } from "../api.ts";
import { go } from "../place.ts";
import { useResource } from "../resource.ts";
import { status } from "../status.ts";
import { number, STATES } from "./words.tsx";

const TIMES: readonly (readonly [string, string])[] = [
  ["5m", "last 5 minutes"],
  ["1h", "last hour"],
  ["1d", "last day"],
  ["7d", "last week"],
];
/** Milliseconds after the last key press. */
const TYPED = 350;

/** A tab for each state, with its count. */
export function StateTabs({ filter }: { filter: Filter }) {
  const counts = status.value?.jobs;
  const total = counts && Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { state: _, ...others } = filter;
  return (
    <nav class="tabs" aria-label="States">
      <a href={jobsAt(others)} aria-current={filter.state === undefined ? "page" : undefined}>
        all <b>{total === undefined ? "" : number(total)}</b>
      </a>
      {STATES.map((state) => (
        <a
          key={state}
          class={counts?.[state] === 0 ? "none" : ""}
          href={jobsAt({ ...others, state })}
          aria-current={filter.state?.split(",").includes(state) ? "page" : undefined}
        >
          <span class={`state ${state}`}>{state}</span>{" "}
          <b>{counts === undefined ? "" : number(counts[state])}</b>
        </a>
      ))}
    </nav>
  );
}

export function Filters({ filter }: { filter: Filter }) {
  const queues = useResource<readonly Queue[]>("api/queues", { follow: false }).data ?? [];
  const set = (change: Filter) => {
    const next = { ...filter, ...change };
    go(
      jobsAt(Object.fromEntries(Object.entries(next).filter(([, value]) => value))),
      { replace: change.command !== undefined && filter.command !== undefined },
    );
  };
  const since = TIMES.some(([value]) => value === filter.since);
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <Field
        id="filter-command"
        label="Command"
        hint='curl, *.sh, "ls"'
        value={filter.command}
        onChange={(command) => set({ command })}
      />
      <Field
        id="filter-queue"
        label="Queue"
        hint="any"
        value={filter.queue}
        options={queues.map(({ name }) => name)}
        onChange={(queue) => set({ queue })}
      />
      <Field
        id="filter-group"
        label="Group"
        hint="any"
        value={filter.group}
        onChange={(group) => set({ group })}
      />
      {(filter.exit_code !== undefined || /dead|failed/.test(filter.state ?? "")) && (
        <Field
          id="filter-exit-code"
          label="Exit code"
          hint="any"
          value={filter.exit_code}
          onChange={(exit_code) => set({ exit_code })}
        />
      )}
      <label>
        <span>Enqueued</span>
        <select
          value={filter.since ?? ""}
          onChange={(event) => set({ since: event.currentTarget.value })}
        >
          <option value="">any time</option>
          {filter.since !== undefined && !since && (
            <option value={filter.since}>since {filter.since}</option>
          )}
          {TIMES.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      </label>
      {Object.keys(filter).length > 0 && <a class="clear" href={jobsAt()}>Clear</a>}
    </form>
  );
}

/** A text field that reports its value when the user pauses typing. */
function Field({ id, label, hint, value, options = [], onChange }: {
  id: string;
  label: string;
  hint: string;
  value: string | undefined;
  /** What may be chosen rather than typed. */
  options?: readonly string[];
  onChange: (value: string) => void;
}) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const say = () => {
    clearTimeout(timer.current);
    const text = field.current?.value.trim() ?? "";
    if (text !== (value ?? "")) onChange(text);
  };
  const sayLatest = useRef(say);
  sayLatest.current = say;
  useEffect(() => {
    if (field.current && field.current !== document.activeElement) {
      field.current.value = value ?? "";
    }
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class={`field ${id}`}>
      <span>{label}</span>
      <input
        id={id}
        ref={field}
        type="search"
        {...(options.length > 0 && { list: `${id}-options` })}
        placeholder={hint}
        defaultValue={value ?? ""}
        autocomplete="off"
        spellcheck={false}
        onInput={() => {
          clearTimeout(timer.current);
          timer.current = setTimeout(() => sayLatest.current(), TYPED);
        }}
        onChange={say}
        onKeyDown={(event) => event.key === "Enter" && say()}
      />
      {options.length > 0 && (
        <datalist id={`${id}-options`}>
          {options.map((option) => <option key={option} value={option} />)}
        </datalist>
      )}
    </label>
  );
}
