// queuectl status: counts of jobs, and what the workers do.
import { readActivity } from "../../queue/status.ts";
import type { JobReader } from "../../queue/store.ts";
import type { Store } from "../../stores/store.ts";
import { statusText, type StatusView } from "../../view/status.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

/** Shows counts of jobs, and the workers. */
export async function statusCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  await call.withReader(async (jobs, store) => {
    if (flags.has("watch")) {
      const { watch } = await import("./status_watch.ts");
      return await watch(call, jobs, () => readStatus(jobs, store));
    }
    const status = await readStatus(jobs, store);
    const more = flags.has("verbose") ? await readMore(call, jobs, store) : undefined;
    if (flags.has("json")) {
      const { statusJson } = await import("../../view/json.ts");
      return call.printJson({ ...statusJson(status), ...more?.json });
    }
    const options = { now: context.now(), verbose: flags.has("verbose") };
    call.print(await statusText(status, options, tableStyle(context)) + (more?.text ?? ""));
  });
}

/** Reads what `--verbose` adds. */
async function readMore(call: CommandContext, jobs: JobReader, store: Store) {
  const [{ readSystemInfo }, { systemInfoJson, systemInfoText }] = await Promise.all([
    import("../system_info.ts"),
    import("../../view/system_info.ts"),
  ]);
  const info = await readSystemInfo(call, jobs, store);
  const { context } = call;
  return {
    json: systemInfoJson(info),
    text: await systemInfoText(info, context.now(), tableStyle(context)),
  };
}

/** Reads what is to be shown. */
async function readStatus(jobs: JobReader, store: Store): Promise<StatusView> {
  const activity = await readActivity(jobs, await store.workers());
  return { dataDir: store.dataDir, store: store.name, ...activity };
}
