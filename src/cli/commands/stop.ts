// queuectl stop: asks every supervisor and worker that lives to stop, and returns when all have.
import { clearStop, requestStop } from "../../worker/control.ts";
import { orphansAmong } from "../../worker/orphans.ts";
import { liveSupervisors, liveWorkers, pidOf } from "../../worker/worker_lock.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { CommandContext } from "../command_context.ts";

const POLL = 20;

/** Stops all. */
export async function stopCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const { files } = context;
  const dataDir = call.dataDir();
  if (files.info(`${dataDir}/workers`) === undefined) return call.say("Nothing runs here");
  const kind = flags.has("force") ? "force" : "graceful";
  const supervisors = liveSupervisors(files, dataDir);
  const workers = liveWorkers(files, dataDir);
  const all = [...supervisors, ...workers];
  // Workers are asked by their supervisor; those that have none left are asked here as well.
  for (const { name } of all) requestStop(files, dataDir, name, kind);
  if (all.length > 0 && kind === "graceful" && context.stderr.isTerminal) {
    call.say("Waiting for running jobs to end (--force kills them)");
  }
  for (const { name, pid } of all) await waitForEnd(call, dataDir, name, pid);
  const orphans = await orphansText(call, kind === "force");
  if (all.length > 0) call.say(`Stopped ${pluralize(workers.length, "worker")}`);
  else if (orphans === undefined) call.say("Nothing runs here");
  if (orphans !== undefined) call.say(orphans);
}

/** Jobs of workers that died, with nobody to look after them: killed, or told of. */
async function orphansText(call: CommandContext, kill: boolean): Promise<string | undefined> {
  const { context } = call;
  return await call.withStore(async (store, dataDir) => {
    const living = (await context.folder.liveWorkers(dataDir)).map(({ name }) => name);
    const orphans = await orphansAmong(store, living);
    if (orphans.length === 0) return undefined;
    if (!kill) {
      const [run, them] = orphans.length === 1 ? ["runs", "it"] : ["run", "them"];
      return `${
        pluralize(orphans.length, "job")
      } without a worker still ${run} (--force kills ${them})`;
    }
    let killed = 0;
    for (const job of orphans) {
      if (await context.folder.endOrphan(dataDir, store, job, "released")) killed++;
    }
    return `Killed ${pluralize(killed, "job")} that had no worker`;
  });
}

/** Another that takes the name meanwhile, of a later `start`, is not waited for. */
async function waitForEnd(
  { context }: CommandContext,
  dataDir: string,
  name: string,
  pid: number,
): Promise<void> {
  for (;;) {
    const bearer = pidOf(context.files, dataDir, name);
    if (bearer === undefined) return clearStop(context.files, dataDir, name);
    if (pid === 0) pid = bearer;
    else if (bearer !== 0 && bearer !== pid) return;
    await context.sleep(POLL);
  }
}
