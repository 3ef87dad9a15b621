// queuectl status.
import type { JobReader } from "../../queue/store.ts";
import { statusText, type StatusView, type WorkerView } from "../../view/status.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

/** Counts of jobs, and the workers. */
export async function statusCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  await call.withReader(async (store, dataDir) => {
    if (flags.has("watch")) {
      const { watch } = await import("./status_watch.ts");
      return await watch(call, store, () => readStatus(call, store, dataDir));
    }
    const status = await readStatus(call, store, dataDir);
    if (flags.has("json")) {
      const { statusJson } = await import("../../view/json.ts");
      return call.printJson(statusJson(status));
    }
    const options = { now: context.now(), verbose: flags.has("verbose") };
    call.print(await statusText(status, options, tableStyle(context)));
  });
}

/** What there is to show at this moment. */
async function readStatus(
  call: CommandContext,
  store: JobReader,
  dataDir: string,
): Promise<StatusView> {
  const counts = await store.count();
  const workers: WorkerView[] = [];
  for (const worker of await call.context.folder.liveWorkers(dataDir)) {
    workers.push({ ...worker, job: (await store.claimedBy(worker.name))[0] });
  }
  workers.sort((a, b) => a.startedAt - b.startedAt || (a.name < b.name ? -1 : 1));
  const busy = workers.filter(({ job }) => job !== undefined).length;
  // Looked for only where the counts leave room for any.
  const orphans = counts.processing > busy ? await countOrphans(store, workers) : 0;
  return { dataDir, counts, workers, orphans };
}

async function countOrphans(store: JobReader, workers: readonly WorkerView[]): Promise<number> {
  const { orphansAmong } = await import("../../worker/orphans.ts");
  return (await orphansAmong(store, workers.map(({ name }) => name))).length;
}
