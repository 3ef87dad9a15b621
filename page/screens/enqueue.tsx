// The form for a new job, empty or filled from another one.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { jobAt } from "../address.ts";
import { type JobPage, jobPath, type Problem, problemOf, tell } from "../api.ts";
import { go } from "../place.ts";
import { useResource } from "../resource.ts";
import { canEnqueue, status } from "../status.ts";
import { note } from "../parts/dialog.tsx";
import { Nothing, shortId, Trouble } from "../parts/words.tsx";

interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** Its value in an existing job; undefined if it is not taken over. */
  readonly of?: (job: JobPage) => string | number | null;
  readonly kind?: "whole" | "list";
}

const FIELDS: readonly Field[] = [
  { name: "cwd", label: "Folder", hint: "where serve was started", of: (job) => job.cwd },
  {
    name: "queue",
    label: "Queue",
    hint: "default",
    of: ({ queue }) => queue === "default" ? "" : queue,
  },
  { name: "group", label: "Group", of: (job) => job.group },
  {
    name: "priority",
    label: "Priority",
    hint: "0",
    kind: "whole",
    of: ({ priority }) => priority || "",
  },
  {
    name: "max_retries",
    label: "Retries at most",
    hint: "as configured",
    kind: "whole",
    of: (job) => job.max_retries,
  },
  {
    name: "timeout",
    label: "Timeout",
    hint: "as configured; 90s, 5m",
    of: ({ timeout }) => timeout || "",
  },
  { name: "delay", label: "Delay", hint: "none; 10m" },
  { name: "start_by", label: "Start by", hint: "any time; 1h, 18:00" },
  {
    name: "after",
    label: "After jobs",
    hint: "ids, with commas",
    kind: "list",
    of: ({ after }) => after.join(),
  },
  {
    name: "after_any",
    label: "After the end of jobs",
    hint: "ids, with commas",
    kind: "list",
    of: ({ after_any }) => after_any.join(),
  },
  { name: "unique", label: "Unique key", of: (job) => job.unique },
  { name: "id", label: "Id", hint: "a random one" },
];

export function Enqueue({ from }: { from: string | undefined }) {
  if (status.value === undefined) return null;
  if (!canEnqueue.value) {
    return (
      <Nothing>
        Only with <code>queuectl serve --allow-enqueue</code>, since it runs commands.
      </Nothing>
    );
  }
  return from === undefined ? <Form /> : <Again id={from} />;
}

function Again({ id }: { id: string }) {
  const { data, problem } = useResource<JobPage>(jobPath(id), { follow: false });
  if (data === undefined) return <Trouble problem={problem} />;
  return <Form job={data} />;
}

function Form({ job }: { job?: JobPage }) {
  const problem = useSignal<Problem | undefined>(undefined);
  const isBusy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const enqueue = async () => {
    if (isBusy.value) return;
    isBusy.value = true;
    try {
      const wish = wishOf(new FormData(form.current!));
      const { id, enqueued, remark } = await tell<Answer>("api/jobs", wish);
      note(remark ?? (enqueued ? `Enqueued: ${shortId(id)}` : `Already enqueued: ${shortId(id)}`));
      go(jobAt(id));
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      <h1>{job === undefined ? "Enqueue" : "Enqueue again"}</h1>
      <form
        ref={form}
        class="enqueue"
        onSubmit={(event) => {
          event.preventDefault();
          void enqueue();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void enqueue();
        }}
      >
        <label class="whole">
          <span>Command, for the shell</span>
          <textarea
            name="command"
            class="mono"
            rows={4}
            required
            autofocus
            spellcheck={false}
            defaultValue={job?.command ?? ""}
          />
        </label>
        {FIELDS.map(({ name, label, hint, kind, of }) => (
          <label key={name}>
            <span>{label}</span>
            <input
              name={name}
              placeholder={hint}
              autocomplete="off"
              spellcheck={false}
              inputMode={kind === "whole" ? "numeric" : "text"}
              defaultValue={job === undefined || of === undefined ? "" : String(of(job) ?? "")}
            />
          </label>
        ))}
        <label class="whole">
          <span>Environment, one NAME=VALUE a line</span>
          <textarea name="env" class="mono" rows={2} spellcheck={false} />
          {job !== undefined && Object.keys(job.env).length > 0 && (
            <span class="quiet">
              The job had{" "}
              {Object.keys(job.env).join(", ")}; values are never shown here, so type them anew.
            </span>
          )}
        </label>
        <Trouble problem={problem.value} />
        <p class="answers">
          <button type="submit" class="main" disabled={isBusy.value}>Enqueue</button>
          <span class="quiet">Ctrl+Enter</span>
        </p>
      </form>
    </>
  );
}

interface Answer {
  readonly id: string;
  readonly enqueued: boolean;
  readonly remark: string | null;
}

/**
 * The form as an object of `enqueue --file`, without empty fields.
 * @throws Error if a line of the environment is wrong
 */
function wishOf(form: FormData): Record<string, unknown> {
  const wish: Record<string, unknown> = { command: String(form.get("command")) };
  for (const { name, kind } of FIELDS) {
    const text = String(form.get(name) ?? "").trim();
    if (text === "") continue;
    wish[name] = kind === "whole" && /^-?\d+$/.test(text)
      ? Number(text)
      : kind === "list"
      ? text.split(/[\s,]+/).filter(Boolean)
      : text;
  }
  const env = String(form.get("env") ?? "").split("\n").filter((line) => line.trim() !== "");
  if (env.length > 0) {
    wish.env = Object.fromEntries(env.map((line) => {
      const [, name, value] = /^\s*([^=]+)=([^]*)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`Environment takes NAME=VALUE lines, not "${line}"`);
      return [name, value ?? ""];
    }));
  }
  return wish;
}
