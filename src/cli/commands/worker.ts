// queuectl worker: builds a worker process. A hidden command, which supervisors call.
import type { Settings } from "../../queue/settings.ts";
import type { SettingsReader } from "../../queue/settings_store.ts";
import type { WorkerEvent } from "../../queue/worker_event.ts";
import { LineWriter } from "../../system/line_writer.ts";
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
  const store = await context.openStore(storeLocation(context, flags)).forWorkers();
  const settings = await CurrentSettings.of(await store.settings());
  await (await store.queues()).settings(); // no job is begun against what can't be read
  const reporter = openReporter(context, () => settings.latest.log_level);
  const supervisor = new LineWriter(Deno.stdout);
  const report = (event: WorkerEvent) => {
    const word = wordFor(event);
    if (word !== undefined) supervisor.write(word);
    reporter.report(event);
  };
  const jobs = await store.openJobs((message) => report({ kind: "warning", message }));
  const requests = await store.openRequests();
  const stopping = new AbortController();
  const force = new AbortController();
  const orders = listen(stopping, force);
  const hostname = Deno.hostname();
  await dropPermissions();
  try {
    await runWorker({
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
    await Promise.all([reporter.close(), supervisor.flush(LAST_WORD)]);
  }
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
async function dropPermissions(): Promise<void> {
  for (const name of ["net", "ffi", "sys", "import"] as const) {
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
  hearSupervisor((isForced) => {
    if (isForced) force.abort();
    stopping.abort();
  });
  return { isTerminated: () => isTerminated };
}

async function hearSupervisor(ask: (isForced: boolean) => void): Promise<void> {
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(1024);
  // Not `Deno.stdin.readable`: the first stream in a process takes 4 ms.
  for (let length; (length = await Deno.stdin.read(bytes)) !== null;) {
    ask(decoder.decode(bytes.subarray(0, length)).includes("force"));
  }
  ask(false);
}
