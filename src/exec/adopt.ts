// Takes over an attempt whose worker has died: its shell goes on without it, and writes the end to
// the journal. Starts nothing.

import type { Ending } from "../queue/outcome.ts";
import { diskFiles, type FileSystem } from "../system/file_system.ts";
import { endingOf, type KillCause, killed, lost } from "./ending.ts";
import { type JournalEntry, type ProcessIdentity, readJournal } from "./journal.ts";
import { killAttempt } from "./kill_attempt.ts";
import { isAlive, isSameBoot, NO_PROCESS } from "./processes.ts";
import type { RunningAttempt, StopReason } from "./run.ts";
import { pause } from "./timer.ts";

/** How often to look into the journal, and whether the shell still lives, in milliseconds. */
const JOURNAL_EVERY = 100;
const SHELL_EVERY = 1000;

/**
 * Waits for the end of an attempt whose worker is dead, and says how it ended; `not_begun` if it
 * never began and never will. Keeps the time-out, counted from its begin, and `stop`, as
 * `Executor.run` does.
 * @param journal that of the dead worker; nobody may have started a shell with it since
 */
export async function adopt(
  journal: string,
  attempt: RunningAttempt,
  stop?: AbortSignal,
  files: FileSystem = diskFiles,
): Promise<Ending | "not_begun"> {
  const look = () => readJournal(files, journal, attempt);
  const adoptedAt = Date.now();
  let aliveUntil = 0;
  let wait = 5;
  for (;;) {
    const { shell, began, end } = look();
    if (end) return endingOf(end);
    if (!shell) return "not_begun";
    if (performance.now() >= aliveUntil) {
      // The second look is for what it wrote just before it left.
      if (!await isAlive(shell)) return await endOfGone(shell, look(), attempt);
      aliveUntil = performance.now() + SHELL_EVERY;
    }
    const cause = began === undefined
      ? undefined
      : causeToKill(Math.min(began, adoptedAt), attempt, stop);
    if (cause) return await kill(cause, shell, attempt, look);
    await pause(wait);
    wait = Math.min(wait * 2, JOURNAL_EVERY);
  }
}

function causeToKill(
  began: number,
  { timeout }: RunningAttempt,
  stop?: AbortSignal,
): KillCause | undefined {
  if (stop?.aborted) return stop.reason as StopReason;
  return timeout > 0 && Date.now() >= began + timeout * 1000 ? "timed_out" : undefined;
}

async function kill(
  cause: KillCause,
  shell: ProcessIdentity,
  attempt: RunningAttempt,
  look: () => JournalEntry,
): Promise<Ending> {
  const { wasEarly, survivors } = await killAttempt(
    shell,
    attempt,
    async () => look().end !== undefined || !await isAlive(shell),
  );
  const { end } = look();
  if (end && !wasEarly) return endingOf(end);
  return killed(cause, end, attempt, survivors);
}

/** Nothing of the attempt may run on unseen: it is about to be run again. */
async function endOfGone(
  shell: ProcessIdentity,
  { began, end }: JournalEntry,
  attempt: RunningAttempt,
): Promise<Ending | "not_begun"> {
  if (end) return endingOf(end);
  if (began === undefined) return "not_begun";
  if (!await isSameBoot(shell)) return lost("the machine was started anew while it ran");
  const { survivors } = shell.pid === NO_PROCESS
    ? { survivors: [] }
    : await killAttempt(shell, attempt, () => true);
  const left = survivors.length > 0 ? `; process ${survivors.join(", ")} could not be ended` : "";
  return lost(`its worker and its shell are gone, and with them how it ended${left}`);
}
