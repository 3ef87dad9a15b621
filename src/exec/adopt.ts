// Takes over an attempt whose worker has died. The shell of the attempt goes on without the worker,
// and writes the end to the journal. Starts nothing.

import type { Ending } from "../queue/outcome.ts";
import { diskFiles, type FileSystem } from "../system/file_system.ts";
import { endingOf, killed, lost } from "./ending.ts";
import { findShell } from "./find_shell.ts";
import { LATE } from "./job_script.ts";
import {
  aliveOf,
  type JournalEntry,
  lastRun,
  noteKill,
  type ProcessIdentity,
  readJournal,
  readWriter,
  type RunEnd,
} from "./journal.ts";
import { killAttempt, sendSignal, type Target } from "./kill_attempt.ts";
import { isAlive, isHeld, NO_PROCESS, type Sight, sightOf } from "./processes.ts";
import type { KillCause, StopReason, WatchedAttempt } from "./run.ts";
import { pause } from "./timer.ts";

/** Milliseconds between looks into the journal, and between looks whether the shell still lives. */
const JOURNAL_EVERY = 100;
const SHELL_EVERY = 1000;

/** The job's process may live, but can't be seen or ended from here; the message says why. */
export class UnseenError extends Error {
  override readonly name = "UnseenError";
}

/**
 * Waits for the end of an attempt whose worker is dead, and returns how it ended; `not_begun` if it
 * never began and never will. It applies the timeout, counted from the begin, and `stop`, as
 * `Executor.run` does; and if the worker died while it killed the attempt, it goes on with that.
 *
 * @param journal the journal of the dead worker; nobody may have started a shell with it since
 *
 * @throws UnseenError if the attempt may still run elsewhere, so that the job must be left alone
 */
export async function adopt(
  journal: string,
  claimed: WatchedAttempt,
  stop?: AbortSignal,
  files: FileSystem = diskFiles,
): Promise<Ending | "not_begun"> {
  const attempt = asBegun(claimed, journal, files);
  // The shell, if it was found without the journal, which somebody has removed or damaged.
  let found: ProcessIdentity | undefined;
  const look = (): JournalEntry => {
    const entry = readJournal(files, journal, attempt);
    return found ? { ...entry, shell: found, began: attempt.startedAt } : entry;
  };
  if (!look().shell) found = await findShell(attempt);
  const adoptedAt = Date.now();
  let sight: Sight | undefined;
  let aliveUntil = 0;
  let wait = 5;
  let wake: Deno.Signal = "SIGCONT";
  for (;;) {
    const entry = look();
    const { shell, began } = entry;
    if (entry.end) return endOf(entry.end, entry, attempt);
    if (!shell) return "not_begun";
    sight ??= await sightFromHere(shell);
    if (performance.now() >= aliveUntil) {
      // The journal is read again for what the shell wrote just before it ended.
      if (!await livesStill(shell, sight, journal)) {
        return await endOfGone(shell, sight, look(), attempt);
      }
      aliveUntil = performance.now() + SHELL_EVERY;
      // Without a worker it ends as soon as it goes on, but nobody else would resume it. If it does
      // not, it hangs.
      if (sight === "near" && look().began === undefined) sendSignal(shell.pid, wake);
      if (stop?.aborted) wake = "SIGKILL";
    }
    if (began !== undefined) {
      const cause = entry.killedFor ?? causeToKill(Math.min(began, adoptedAt), attempt, stop);
      if (cause && sight === "near") {
        const note = () => noteKill(files, journal, attempt, cause);
        return await kill(cause, shell, { ...attempt, group: entry.group }, look, note);
      }
      // On a timeout the job can't be ended from here, so its end is still waited for.
      if (stop?.aborted) throw new UnseenError(behindWall(shell));
    }
    await pause(wait);
    wait = Math.min(wait * 2, JOURNAL_EVERY);
  }
}

/**
 * The attempt under the number that the shell recorded when it began. If the job's file has lost
 * lines since, the job has a lower number now; without this it would run again beside itself.
 */
function asBegun(attempt: WatchedAttempt, journal: string, files: FileSystem): WatchedAttempt {
  const last = lastRun(files, journal);
  const isIt = last?.id === attempt.id && last.startedAt === attempt.startedAt;
  return isIt ? { ...attempt, attempt: last.attempt } : attempt;
}

/**
 * Makes sure that the job of this journal's shell, if it runs one, can be seen from here.
 *
 * @throws UnseenError if it can't, as `adopt` would
 */
export async function mustSee(journal: string, files: FileSystem = diskFiles): Promise<void> {
  const { shell, isAtWork } = readWriter(files, journal);
  if (shell && isAtWork) await livesStill(shell, await sightFromHere(shell), journal);
}

function endOf(
  end: RunEnd,
  { killedFor }: JournalEntry,
  attempt: WatchedAttempt,
): Ending | "not_begun" {
  if ("fault" in end && end.fault === LATE) return "not_begun";
  return killedFor ? killed(killedFor, end, attempt) : endingOf(end);
}

async function sightFromHere(shell: ProcessIdentity): Promise<Sight> {
  return shell.pid === NO_PROCESS ? "near" : await sightOf(shell);
}

async function livesStill(
  shell: ProcessIdentity,
  sight: Sight,
  journal: string,
): Promise<boolean> {
  if (sight === "near") return await isAlive(shell);
  if (sight === "gone") return false;
  const isAlivePipe = sight === "walled" ? await isHeld(aliveOf(journal)) : undefined;
  if (isAlivePipe !== undefined) return isAlivePipe;
  throw new UnseenError(
    `its job was started on ${shell.host}, and whether it still runs cannot be seen from here; ` +
      `start queuectl there or, if ${shell.host} is gone for good, remove ${journal}`,
  );
}

function behindWall({ host }: ProcessIdentity): string {
  return `its job runs in another container or PID namespace, on ${host}, and cannot be ended ` +
    `from here; use queuectl there`;
}

function causeToKill(
  began: number,
  { timeout }: WatchedAttempt,
  stop?: AbortSignal,
): KillCause | undefined {
  if (stop?.aborted) return stop.reason as StopReason;
  return timeout > 0 && Date.now() >= began + timeout * 1000 ? "timed_out" : undefined;
}

async function kill(
  cause: KillCause,
  shell: ProcessIdentity,
  attempt: Target,
  look: () => JournalEntry,
  note: () => void,
): Promise<Ending | "not_begun"> {
  const { wasEarly, survivors } = await killAttempt(
    shell,
    attempt,
    async () => look().end !== undefined || !await isAlive(shell),
    note,
  );
  const entry = look();
  // It waits for a process that can't be ended, or for something else, and nobody waits for it.
  if (!entry.end && await isAlive(shell).catch(() => false)) sendSignal(shell.pid, "SIGKILL");
  if (entry.end && !wasEarly) return endOf(entry.end, entry, attempt);
  return killed(cause, entry.end, attempt, survivors);
}

/**
 * How an attempt ended whose shell is gone. Processes that are left of it are killed first, since
 * the job is about to run again.
 */
async function endOfGone(
  shell: ProcessIdentity,
  sight: Sight,
  entry: JournalEntry,
  attempt: WatchedAttempt,
): Promise<Ending | "not_begun"> {
  if (entry.end) return endOf(entry.end, entry, attempt);
  if (entry.began === undefined) return "not_begun";
  const { survivors } = shell.pid === NO_PROCESS || sight !== "near"
    ? { survivors: [] }
    : await killAttempt(shell, { ...attempt, group: entry.group }, () => true);
  if (entry.killedFor) return killed(entry.killedFor, undefined, attempt, survivors);
  if (sight === "gone") return lost("the machine was restarted while it ran");
  const left = survivors.length > 0 ? `; process ${survivors.join(", ")} could not be ended` : "";
  return lost(`its worker and its shell died, so how it ended is not known${left}`);
}
