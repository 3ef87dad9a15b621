// queuectl stop: asks every supervisor and worker that lives to stop, and returns when all have.
import { clearStop, requestStop } from "../../worker/control.ts";
import { bearerOf, liveSupervisors, liveWorkers } from "../../worker/presence.ts";
import type { Call } from "../call.ts";

const POLL = 20;

/** Stops all. @returns the exit code */
export async function stopCommand(call: Call): Promise<void> {
  const { context, flags } = call;
  const { files } = context;
  const dataDir = call.dataDir();
  if (files.info(`${dataDir}/workers`) === undefined) return call.say("Nothing runs here");
  const kind = flags.has("force") ? "force" : "graceful";
  const supervisors = liveSupervisors(files, dataDir);
  const workers = liveWorkers(files, dataDir);
  const all = [...supervisors, ...workers];
  if (all.length === 0) return call.say("Nothing runs here");
  // Workers are asked by their supervisor; those that have none left are asked here as well.
  for (const { name } of all) requestStop(files, dataDir, name, kind);
  if (kind === "graceful" && context.stderr.isTerminal) {
    call.say("Waiting for running jobs to end (--force kills them)");
  }
  for (const { name, pid } of all) await waitForEnd(call, dataDir, name, pid);
  call.say(`Stopped ${workers.length} ${workers.length === 1 ? "worker" : "workers"}`);
}

/** Another that takes the name meanwhile, of a later `start`, is not waited for. */
async function waitForEnd({ context }: Call, dataDir: string, name: string, pid: number): Promise<void> {
  for (;;) {
    const bearer = bearerOf(context.files, dataDir, name);
    if (bearer === undefined) return clearStop(context.files, dataDir, name);
    if (pid === 0) pid = bearer;
    else if (bearer !== 0 && bearer !== pid) return;
    await context.sleep(POLL);
  }
}
