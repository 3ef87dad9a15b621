// Ends what belongs to one attempt, by SIGTERM and then SIGKILL. Neither the shell that ran it,
// which is to report the end, nor what earlier jobs of that shell left in the background is
// touched, and never a stranger.

import type { ProcessIdentity } from "./journal.ts";
import { environments, listProcesses, type Process } from "./processes.ts";
import type { RunningAttempt } from "./run.ts";
import { pause } from "./timer.ts";

/**
 * After so long a process that was sent SIGKILL hangs in the kernel, and waiting for it helps
 * nobody.
 */
const GIVE_UP = 10_000;

/**
 * Returns when no process of the attempt is left and it is over.
 * @param isOver whether the attempt itself has ended: its shell has said so, or is gone
 * @param over settles when that is so, if anyone can tell; it is then noticed at once
 * @returns whether a process was signalled before the attempt was over, and so whether it was
 *   this that ended it
 */
export async function killAttempt(
  shell: ProcessIdentity,
  attempt: RunningAttempt,
  isOver: () => boolean | Promise<boolean>,
  over?: Promise<unknown>,
): Promise<boolean> {
  const crowd = new AttemptProcesses(shell, attempt);
  const begin = performance.now();
  const grace = attempt.killGrace * 1000;
  let wasEarly = false;
  for (let wait = 2;; wait = Math.min(wait * 2, 100)) {
    // In this order: what is forked before the end is seen, is seen in the crowd.
    const isEnded = await unlessItFails(isOver) ?? false;
    const members = await unlessItFails(() => crowd.members());
    const elapsed = performance.now() - begin;
    if (isEnded && (members?.length === 0 || elapsed > grace + GIVE_UP)) return wasEarly;
    const signalled = crowd.signal(members ?? [], elapsed >= grace);
    wasEarly ||= signalled && !isEnded;
    await pause(
      elapsed < grace ? Math.min(wait, grace - elapsed) : wait,
      isEnded ? undefined : over,
    );
  }
}

/**
 * Undefined if it fails: looking takes a new process, which may be too many for a moment, and must
 * not end the watch.
 */
async function unlessItFails<T>(look: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch {
    return undefined;
  }
}

/** Whether jobs that have ended left something running in the session of this shell. */
export async function hasLeftovers(shell: ProcessIdentity): Promise<boolean> {
  return sessionOf(shell, await listProcesses()).some((process) => process.pid !== shell.pid);
}

/**
 * The processes in the shell's session. Its number is not given to another while it has members,
 * even if the shell is gone.
 */
function sessionOf(shell: ProcessIdentity, processes: Process[]): Process[] {
  const leader = processes.find((process) => process.pid === shell.pid);
  if (leader && leader.start !== shell.start) return [];
  return processes.filter((process) => process.session === shell.pid);
}

/** The processes of an attempt, and what has been done to them. */
class AttemptProcesses {
  /** Whether a process belongs to the attempt; by pid and start time. */
  readonly #known = new Map<string, boolean>();
  readonly #asked = new Set<string>();
  #shellLives = false;

  constructor(readonly shell: ProcessIdentity, readonly attempt: RunningAttempt) {}

  async members(): Promise<Process[]> {
    const session = sessionOf(this.shell, await listProcesses());
    this.#shellLives = session.some(({ pid }) => pid === this.shell.pid);
    const others = session.filter(({ pid }) => pid !== this.shell.pid);
    const fresh = others.filter((process) => !this.#known.has(key(process)));
    const environment = await environments(fresh.map(({ pid }) => pid));
    for (const process of fresh) {
      this.#known.set(key(process), belongs(environment.get(process.pid) ?? [], this.attempt));
    }
    return others.filter((process) => this.#known.get(key(process)));
  }

  /**
   * Asks each once with SIGTERM (a second one may mean something else to it), or ends them all with
   * SIGKILL.
   */
  signal(members: readonly Process[], byForce: boolean): boolean {
    let any = false;
    for (const process of members) {
      if (!byForce && this.#asked.has(key(process))) continue;
      this.#asked.add(key(process));
      if (!send(process.pid, byForce ? "SIGKILL" : "SIGTERM")) this.#known.set(key(process), false);
      else any = true;
      // A process that is stopped gets its SIGTERM only when it goes on.
      if (!byForce) send(process.pid, "SIGCONT");
    }
    // A job may have stopped its shell too.
    if (this.#shellLives) send(this.shell.pid, "SIGCONT");
    return any;
  }
}

function key(process: Process): string {
  return `${process.pid}:${process.start}`;
}

/**
 * One that names no attempt, such as a program that clears its environment, is taken to be of this
 * one.
 */
function belongs(environment: readonly string[], attempt: RunningAttempt): boolean {
  const id = environment.findLast((entry) => entry.startsWith("QUEUECTL_JOB_ID="));
  const number = environment.findLast((entry) => entry.startsWith("QUEUECTL_ATTEMPT="));
  return (id === undefined || id === `QUEUECTL_JOB_ID=${attempt.id}`) &&
    (number === undefined || number === `QUEUECTL_ATTEMPT=${attempt.attempt}`);
}

/** False if the process is not ours to signal, such as a child that became another user. */
function send(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      return false;
    }
    // It has ended meanwhile: Deno has no class of error for that on every system.
  }
  return true;
}
