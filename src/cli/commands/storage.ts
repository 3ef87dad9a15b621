// queuectl storage: commands for the store as a whole.
import { QueueError } from "../../queue/errors.ts";
import { JOB_STATES } from "../../queue/job.ts";
import type { LeftOut } from "../../queue/maintenance.ts";
import { cleanUp } from "../../queue/operations.ts";
import type { JobReader } from "../../queue/store.ts";
import type { Store } from "../../stores/store.ts";
import { resolve } from "../../system/paths.ts";
import { oneLine } from "../../view/escape.ts";
import { storageText } from "../../view/storage.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { CommandContext } from "../command_context.ts";
import { progressOf } from "../progress.ts";

export async function infoCommand(call: CommandContext): Promise<void> {
  await call.withReader(async (reader, store) => {
    const size = await (await store.maintenance()).size();
    const jobs = await jobCount(reader);
    if (call.flags.has("json")) {
      const { files, bytes, logBytes } = size;
      const { dataDir: data_dir, name } = store;
      return call.printJson({ data_dir, store: name, jobs, files, bytes, log_bytes: logBytes });
    }
    call.print(storageText(store.name, store.dataDir !== null, jobs, size));
  });
}

/** @returns 1 if a damaged file was left out of the backup */
export async function backupCommand(call: CommandContext): Promise<number> {
  const { context, args } = call;
  const target = resolve(context.cwd(), args[0]!);
  const meter = progressOf(context, "Copying");
  const maintenance = await call.store().maintenance();
  const { jobs, files, bytes, leftOut } = await maintenance.backup(target, meter.progress);
  meter.end();
  call.print(
    `Backed up ${pluralize(jobs, "job")} to ${oneLine(target)} (${
      pluralize(files, "file")
    }, ${bytes} bytes)\n`,
  );
  warnOf(call, leftOut);
  if (leftOut.length === 0) return 0;
  call.say(`queuectl: ${pluralize(leftOut.length, "damaged file")} not backed up`);
  call.say("To see what can be repaired: queuectl storage check");
  return 1;
}

function warnOf(call: CommandContext, leftOut: readonly LeftOut[]): void {
  for (const { path, why } of leftOut) call.say(`Left out: ${oneLine(path)} ${oneLine(why)}`);
}

export async function restoreCommand(call: CommandContext): Promise<void> {
  const { context, args, flags } = call;
  const from = resolve(context.cwd(), args[0]!);
  const store = call.store();
  const over = flags.has("confirm");
  if (!over) await refuseOverData(call, store);
  const meter = progressOf(context, "Restoring");
  const maintenance = await store.maintenance();
  const { jobs, leftOut } = await maintenance.restore(from, { over }, meter.progress);
  meter.end();
  call.print(`Restored ${pluralize(jobs, "job")} from ${oneLine(from)}\n`);
  warnOf(call, leftOut);
}

/** Says what there is. What is added later, the store itself refuses to replace. */
async function refuseOverData(call: CommandContext, store: Store): Promise<void> {
  const jobs = await call.withReader(jobCount);
  const config = await (await store.settings()).version();
  const schedules = (await (await store.openSchedules()).list()).length;
  if (jobs === 0 && config === undefined && schedules === 0) return;
  const what = jobs === 0
    ? schedules > 0 ? `the ${pluralize(schedules, "schedule")}` : "the configuration"
    : `the ${pluralize(jobs, "job")}`;
  throw new QueueError(
    "refused",
    `This would replace ${what} in ${store.name}, so nothing was changed`,
    {
      hint: "To do it, give --confirm",
    },
  );
}

export async function cleanupCommand(call: CommandContext): Promise<number> {
  const { context, flags } = call;
  const age = flags.number("older-than");
  if (age === undefined) {
    throw new QueueError("usage", "Missing --older-than DURATION, such as --older-than 30d");
  }
  return await call.withJobs(async (store) => {
    const meter = progressOf(context, "Removing");
    const { done, refused } = await cleanUp(store, context.now() - age * 1000, meter.progress);
    meter.end();
    call.print(`Removed ${pluralize(done.length, "job")}\n`);
    return call.report(refused);
  });
}

export async function checkCommand(call: CommandContext): Promise<number> {
  const { context, flags } = call;
  const meter = progressOf(context, "Checking");
  const repair = flags.has("repair");
  const store = call.store();
  const [maintenance, { journal }] = [await store.maintenance(), await store.host()];
  const { lastRun } = await import("../../exec/journal.ts");
  const options = { repair, lastRun: (worker: string) => lastRun(context.files, journal(worker)) };
  const findings = await maintenance.check(options, meter.progress);
  meter.end();
  for (const { path, problem, repaired, script } of findings) {
    if (script !== undefined) {
      call.say(`queuectl: ${oneLine(problem)}`);
      call.print(script);
      continue;
    }
    call.print(
      `${oneLine(path)}: ${oneLine(problem)}${
        repaired === null ? "" : ` (${oneLine(repaired)})`
      }\n`,
    );
  }
  const left = findings.filter(({ repaired }) => repaired === null).length;
  if (findings.length === 0) call.say("Nothing is wrong");
  else if (left === 0) call.say(`${pluralize(findings.length, "problem")}, all repaired`);
  else {
    call.say(`queuectl: ${pluralize(left, "problem")} not repaired`);
    if (!repair) call.say("To repair what can be repaired: queuectl storage check --repair");
  }
  return left === 0 ? 0 : 1;
}

async function jobCount(store: JobReader): Promise<number> {
  const counts = await store.count();
  return JOB_STATES.reduce((sum, state) => sum + counts[state], 0);
}
