// Ends the processes of one attempt, by SIGTERM and then SIGKILL. It never touches the shell that
// ran it, which has to report the end, nor what earlier jobs of that shell left in the background,
// nor processes that do not belong to the attempt.

import { MARK, markOf } from "./job_script.ts";
import type { JournalEntry, ProcessIdentity } from "./journal.ts";
import { listProcesses, type Process } from "./processes.ts";
import type { WatchedAttempt } from "./run.ts";
import { sweep } from "./sweep.ts";
import { pause } from "./timer.ts";

/**
 * Milliseconds after which a process that was sent SIGKILL must be stuck in the kernel, so that
 * waiting longer is useless.
 */
const GIVE_UP = 10_000;

/** The same, if only processes are left that we may not signal. */
const GIVE_UP_STRANGERS = 1000;

/**
 * How many incomplete looks in a row are enough, since other programs start and end processes too.
 */
const BLURRED_LOOKS = 3;

/** At most so many times in a row new processes are stopped before the known ones are killed. */
const STOP_ROUNDS = 10;

/** What to end. */
export type Target = WatchedAttempt & Partial<Pick<JournalEntry, "group">>;

export interface Killing {
  /** Whether a process was signalled before the attempt was over, so that this ended it. */
  readonly wasEarly: boolean;
  /** The processes that could not be ended. */
  readonly survivors: readonly number[];
}

/**
 * Returns when no process of the attempt is left and the attempt is over, or gives up some seconds
 * after `killGrace`.
 *
 * @param isOver whether the attempt has ended: its shell has reported it, or the shell is gone
 *
 * @param note called before the first signal to an attempt that has not ended
 *
 * @param over settles when the attempt has ended, if that can be observed; it is then noticed at
 *   once
 */
export async function killAttempt(
  shell: ProcessIdentity,
  attempt: Target,
  isOver: () => boolean | Promise<boolean>,
  note?: () => void,
  over?: Promise<unknown>,
): Promise<Killing> {
  const crowd = new AttemptProcesses(shell, attempt);
  const begin = performance.now();
  const grace = attempt.killGrace * 1000;
  let wasEarly = false;
  let isNoted = false;
  for (let wait = 2;; wait = Math.min(wait * 2, 100)) {
    // In this order: a process that was forked before the end is then found by `members`.
    const isEnded = await unlessItFails(isOver) ?? false;
    const members = await unlessItFails(() => crowd.members());
    const elapsed = performance.now() - begin;
    if (isEnded && crowd.isGone) return { wasEarly, survivors: [] };
    const hopeless = grace + (crowd.hasOnlyStrangers ? GIVE_UP_STRANGERS : GIVE_UP);
    if (elapsed > hopeless) {
      return { wasEarly, survivors: (members ?? []).map(({ pid }) => pid) };
    }
    if (!isEnded && !isNoted && members?.length) {
      note?.();
      isNoted = true;
    }
    const signalled = elapsed < grace ? crowd.ask(members ?? []) : crowd.end(members ?? []);
    wasEarly ||= signalled && !isEnded;
    if (crowd.isGrowing && (isEnded || elapsed >= grace)) await unlessItFails(() => crowd.sweep());
    await pause(
      crowd.isGrowing ? 0 : elapsed < grace ? Math.min(wait, grace - elapsed) : wait,
      isEnded ? undefined : over,
    );
  }
}

/**
 * The result of a look; undefined if it fails. A look needs a new process, and there may be too
 * many at the moment; that must not end the watch.
 */
async function unlessItFails<T>(look: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch {
    return undefined;
  }
}

/** The processes of an attempt, and which signals they have got. */
class AttemptProcesses {
  /**
   * Keys (pid and start time) of all that ever belonged to the attempt: they always belong to it.
   */
  readonly #known = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #stopped = new Set<string>();
  readonly #strangers = new Set<string>();
  /** The shell's children at the last look. */
  #children = new Set<string>();
  #rounds = 0;
  #empty = 0;
  #shellLives = false;
  readonly #mark: string;
  /** Whether the last look may have missed processes, so that the next one follows at once. */
  isGrowing = false;
  /** Whether it is certain that no process is left. */
  isGone = false;
  /** Whether there are processes, but none that we may signal. */
  hasOnlyStrangers = false;

  constructor(readonly shell: ProcessIdentity, readonly attempt: Target) {
    this.#mark = `${MARK}=${markOf(attempt, shell)}`;
  }

  async members(): Promise<Process[]> {
    this.isGone = false;
    const { processes: all, isBlurred } = await listProcesses(this.#mark);
    const shell = all.find(({ pid, start }) =>
      pid === this.shell.pid && start === this.shell.start
    );
    this.#shellLives = shell !== undefined;
    const members = family(all, this.shell.pid, (process) => this.#isRoot(process));
    // A child of the shell is its job. It counts only from the second look on: before, it may be a
    // process that is about to detach, such as the one that writes a capped log.
    this.#children = new Set(
      all.filter(({ parent }) => shell && parent === shell.pid).map(key),
    );
    for (const process of members) this.#known.add(key(process));
    this.#empty = members.length === 0 ? this.#empty + 1 : 0;
    this.isGone = this.#empty > (isBlurred ? BLURRED_LOOKS : 0);
    this.isGrowing = members.length === 0 && !this.isGone;
    this.hasOnlyStrangers = members.length > 0 &&
      members.every((process) => this.#strangers.has(key(process)));
    return members;
  }

  #isRoot(process: Process): boolean {
    return process.isMarked || this.#known.has(key(process)) ||
      this.#children.has(key(process)) || this.#isInGroup(process);
  }

  /** As long as it is in the session of its shell, the group's number is not that of another one. */
  #isInGroup({ group, session }: Process): boolean {
    return group === this.attempt.group && session === this.shell.pid;
  }

  /** Sends SIGTERM to each process once; a second one may mean something else to it. */
  ask(members: readonly Process[]): boolean {
    const fresh = members.filter((process) => !this.#asked.has(key(process)));
    for (const process of fresh) this.#asked.add(key(process));
    const any = fresh.filter((process) => this.#send(process, "SIGTERM")).length > 0;
    // A stopped process gets its SIGTERM only when it is resumed.
    for (const process of fresh) this.#send(process, "SIGCONT");
    this.#wakeShell();
    return any;
  }

  /**
   * Kills all processes. They are stopped (SIGSTOP) first, until no new one appears: in a chain of
   * processes that each start the next one and end, each would be gone before SIGKILL comes.
   */
  end(members: readonly Process[]): boolean {
    const fresh = members.filter((process) => !this.#stopped.has(key(process)));
    for (const process of fresh) this.#stopped.add(key(process));
    this.isGrowing = fresh.length > 0 && ++this.#rounds < STOP_ROUNDS;
    const targets = this.isGrowing ? fresh : members;
    const signal = this.isGrowing ? "SIGSTOP" : "SIGKILL";
    const any = targets.filter((process) => this.#send(process, signal)).length > 0;
    // The kernel signals a whole group at one moment, also processes that are just being forked.
    for (const group of new Set(targets.map(({ group }) => group))) {
      if (group !== this.shell.pid && group > 1) sendSignal(-group, signal);
    }
    this.#wakeShell();
    return any;
  }

  async sweep(): Promise<void> {
    await sweep(this.#mark);
  }

  /** Resumes the shell, which the job may have stopped. */
  #wakeShell(): void {
    if (this.#shellLives) sendSignal(this.shell.pid, "SIGCONT");
  }

  #send(process: Process, signal: Deno.Signal): boolean {
    const isOurs = sendSignal(process.pid, signal);
    if (!isOurs) this.#strangers.add(key(process));
    return isOurs;
  }
}

/**
 * The roots and all that belongs to them: their descendants, and all that share a process group or
 * session with one of them. The group and session of the shell do not count, since it shares them
 * with other jobs; nor does 0, which stands for everything outside this PID namespace; nor the init
 * process.
 */
export function family(
  all: readonly Process[],
  shell: number,
  isRoot: (process: Process) => boolean,
): Process[] {
  const members = new Set<Process>();
  const [pids, groups, sessions] = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (let size = -1; size < members.size;) {
    size = members.size;
    for (const process of all) {
      const { pid, parent, group, session } = process;
      if (pid === shell || pid <= 1 || members.has(process)) continue;
      const belongs = isRoot(process) || pids.has(parent) || groups.has(group) ||
        sessions.has(session);
      if (!belongs) continue;
      members.add(process);
      pids.add(pid);
      if (group !== shell && group > 1) groups.add(group);
      if (session !== shell && session > 1) sessions.add(session);
    }
  }
  return [...members];
}

function key(process: Process): string {
  return `${process.pid}:${process.start}`;
}

/**
 * Sends a signal. False if we may not signal the process, such as a child that became another user.
 */
export function sendSignal(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      return false;
    }
    // The process has ended meanwhile. Deno does not use the same error class for that on every
    // system.
  }
  return true;
}
