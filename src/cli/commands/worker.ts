// queuectl worker: builds a worker process. A hidden command, which supervisors call.
import type { Settings } from "../../queue/settings.ts";
import type { SettingsReader } from "../../queue/settings_store.ts";
import type { WorkerEvent } from "../../queue/worker_event.ts";
import { LineWriter } from "../../system/line_writer.ts";
import { onceReachable } from "../../worker/once_reachable.ts";
import { TERMINATED } from "../../worker/supervisor.ts";
import { runWorker } from "../../worker/worker_process.ts";
import type { CommandContext } from "../command_context.ts";
import { queuesIn } from "../start/queues.ts";
import { openReporter } from "../start/reporter.ts";
import { storeLocation } from "../store_location.ts";
import type { WorkerWord } from "../start/worker_child.ts";

/**
 * Runs jobs until a line on standard input, or the end of input, tells it to stop.
 *
 * @returns the exit code: `TERMINATED` if a signal ended it
 */
export async function workerCommand(call: CommandContext): Promise<number> {
  const { context, flags } = call;
  const supervisor = new Supervisor();
  let location = storeLocation(context, flags);
  if (location.kind !== "folder") {
    const handover = await supervisor.line();
    if (handover === undefined) return 0; // its start was killed before it could
    location = { ...location, handover };
  }
  const store = await context.openStore(location).forWorkers();
  const stopping = new AbortController();
  const force = new AbortController();
  const orders = listen(supervisor, stopping, force);
  const settings = await onceReachable(
    async () => {
      await (await store.queues()).settings(); // no job is begun against what can't be read
      return await CurrentSettings.of(await store.settings());
    },
    stopping.signal,
  );
  if (settings === undefined) return orders.isTerminated() ? TERMINATED : 0;
  const reporter = openReporter(context, () => settings.latest.log_level);
  const words = new LineWriter(Deno.stdout);
  const report = (event: WorkerEvent) => {
    const word = wordFor(event);
    if (word !== undefined) words.write(word);
    reporter.report(event);
  };
  const jobs = await store.openJobs((message) => report({ kind: "warning", message }));
  const requests = await store.openRequests();
  const hostname = Deno.hostname();
  const isOnServer = location.kind !== "folder";
  await dropPermissions(isOnServer);
  let isReplaced = false;
  try {
    isReplaced = await runWorker({
      jobs,
      workers: await store.workers(),
      requests,
      host: await store.host(),
      tallies: await store.tallies(),
      files: context.files,
      store: store.name,
      wanted: flags.text("worker-name"),
      queues: queuesIn(flags),
      drain: flags.has("drain"),
      pid: Deno.pid,
      hostname,
      now: context.now,
      settings: () => settings.now(),
      report,
      stopping,
      force,
    });
  } finally {
    requests.close();
    await jobs.close();
    await Promise.all([reporter.close(), words.flush(LAST_WORD)]);
  }
  // In a folder another one of this host goes on in its place; elsewhere it may be of any host.
  if (isReplaced && isOnServer) return 1;
  return orders.isTerminated() ? TERMINATED : 0;
}

/** Milliseconds that the last message to the supervisor may take. */
const LAST_WORD = 200;

/** The word that tells the supervisor of an event, if it needs to know. */
function wordFor(event: WorkerEvent): WorkerWord | undefined {
  if (event.kind === "worker_started") return "up";
  return event.kind === "job_ended" && event.job.status.state === "dead" ? "dead" : undefined;
}

/** Drops permissions that a worker needs only to start. */
async function dropPermissions(needsNet: boolean): Promise<void> {
  for (const name of ["net", "ffi", "sys", "import"] as const) {
    if (name === "net" && needsNet) continue;
    await Deno.permissions.revoke({ name } as Deno.PermissionDescriptor);
  }
}

/**
 * Milliseconds for which the configuration is not looked at again: a look costs a twentieth of a
 * short job's time.
 */
const SETTINGS_AGE = 500;

/**
 * The configuration. It is read again when it has changed; while it can't be read, the last good
 * values are kept.
 */
class CurrentSettings {
  /** The values that were read last. */
  latest: Settings;
  readonly #store: SettingsReader;
  #version: number | undefined;
  #lookedAt = performance.now();

  private constructor(store: SettingsReader, version: number | undefined, settings: Settings) {
    this.#store = store;
    this.#version = version;
    this.latest = settings;
  }

  static async of(store: SettingsReader): Promise<CurrentSettings> {
    return new CurrentSettings(store, await store.version(), await store.load());
  }

  async now(): Promise<Settings> {
    const now = performance.now();
    if (now - this.#lookedAt < SETTINGS_AGE) return this.latest;
    this.#lookedAt = now;
    try {
      const version = await this.#store.version();
      if (version !== this.#version) {
        this.#version = version;
        this.latest = await this.#store.load();
      }
    } catch {
      // Commands report what is wrong with it. A worker goes on with what it has.
    }
    return this.latest;
  }
}

/**
 * Listens for requests to stop. The supervisor sends them as lines on standard input; if it dies,
 * that input ends. Ctrl-C in a terminal reaches the worker too, but it is for the supervisor to
 * handle.
 *
 * @returns whether SIGTERM came before any other request
 */
function listen(
  supervisor: Supervisor,
  stopping: AbortController,
  force: AbortController,
): { isTerminated(): boolean } {
  let isTerminated = false;
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGINT", () => {});
    Deno.addSignalListener("SIGHUP", () => {});
    Deno.addSignalListener("SIGTERM", () => {
      if (!stopping.signal.aborted) isTerminated = true;
      else force.abort();
      stopping.abort();
    });
  }
  supervisor.hear((isForced) => {
    if (isForced) force.abort();
    stopping.abort();
  });
  return { isTerminated: () => isTerminated };
}

/** What the supervisor says, on standard input. */
class Supervisor {
  readonly #decoder = new TextDecoder();
  readonly #bytes = new Uint8Array(1024);
  /** What it has said, and nobody has taken in yet. */
  #said = "";

  /** The next line; undefined if the input ends before that. */
  async line(): Promise<string | undefined> {
    while (!this.#said.includes("\n")) if (!await this.#read()) return undefined;
    const [line, ...rest] = this.#said.split("\n");
    this.#said = rest.join("\n");
    return line;
  }

  /** Calls `ask` for whatever comes from now on, and at the end. */
  async hear(ask: (isForced: boolean) => void): Promise<void> {
    while (this.#said !== "" || await this.#read()) {
      ask(this.#said.includes("force"));
      this.#said = "";
    }
    ask(false);
  }

  async #read(): Promise<boolean> {
    // Not `Deno.stdin.readable`: the first stream of a process takes 4 ms.
    const length = await Deno.stdin.read(this.#bytes);
    if (length === null) return false;
    this.#said += this.#decoder.decode(this.#bytes.subarray(0, length), { stream: true });
    return true;
  }
}
