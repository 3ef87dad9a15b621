// Ends what belongs to one attempt, by SIGTERM and then SIGKILL. Neither the shell that ran it,
// which is to report the end, nor what earlier jobs of that shell left in the background is
// touched, and never a stranger.

import { MARK, markOf } from "./job_script.ts";
import type { ProcessIdentity } from "./journal.ts";
import { listProcesses, type Process } from "./processes.ts";
import type { RunningAttempt } from "./run.ts";
import { sweep } from "./sweep.ts";
import { pause } from "./timer.ts";

/**
 * After so long a process that was sent SIGKILL hangs in the kernel, and waiting for it helps
 * nobody.
 */
const GIVE_UP = 10_000;

/** The same where no process is left but those that are not ours to signal. */
const GIVE_UP_STRANGERS = 1000;

/** So many looks in a row that are blurred are enough: others start and end processes too. */
const BLURRED_LOOKS = 3;

/** So many looks in a row find new processes before the known ones are killed. */
const STOP_ROUNDS = 10;

export interface Killing {
  /**
   * Whether a process was signalled before the attempt was over, and so whether it was this that
   * ended it.
   */
  readonly wasEarly: boolean;
  /** The processes that could not be ended. */
  readonly survivors: readonly number[];
}

/**
 * Returns when no process of the attempt is left and it is over, or when there is no hope of it:
 * some seconds after `killGrace`.
 * @param isOver whether the attempt itself has ended: its shell has said so, or is gone
 * @param over settles when that is so, if anyone can tell; it is then noticed at once
 */
export async function killAttempt(
  shell: ProcessIdentity,
  attempt: RunningAttempt,
  isOver: () => boolean | Promise<boolean>,
  over?: Promise<unknown>,
): Promise<Killing> {
  const crowd = new AttemptProcesses(shell, attempt);
  const begin = performance.now();
  const grace = attempt.killGrace * 1000;
  let wasEarly = false;
  for (let wait = 2;; wait = Math.min(wait * 2, 100)) {
    // In this order: what is forked before the end is seen, is seen in the crowd.
    const isEnded = await unlessItFails(isOver) ?? false;
    const members = await unlessItFails(() => crowd.members());
    const elapsed = performance.now() - begin;
    if (isEnded && crowd.isGone) return { wasEarly, survivors: [] };
    const hopeless = grace + (crowd.hasOnlyStrangers ? GIVE_UP_STRANGERS : GIVE_UP);
    if (elapsed > hopeless) {
      return { wasEarly, survivors: (members ?? []).map(({ pid }) => pid) };
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

/** The processes of an attempt, and what has been done to them. */
class AttemptProcesses {
  /** By pid and start time: once of the attempt, always of the attempt. */
  readonly #known = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #stopped = new Set<string>();
  readonly #strangers = new Set<string>();
  /** Children of the shell at the last look. */
  #children = new Set<string>();
  #rounds = 0;
  #empty = 0;
  #shellLives = false;
  readonly #mark: string;
  /** Whether there may be processes that the last look did not see, so look again at once. */
  isGrowing = false;
  /** Whether no process is left, beyond doubt. */
  isGone = false;
  /** Whether there are processes, and none of them can be signalled by us. */
  hasOnlyStrangers = false;

  constructor(readonly shell: ProcessIdentity, attempt: RunningAttempt) {
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
    // A child of the shell is its job. It counts only at the second look: before, it may be about
    // to become something else, such as what writes a capped log.
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
    return process.isMarked || this.#known.has(key(process)) || this.#children.has(key(process));
  }

  /** Asks each once with SIGTERM; a second one may mean something else to it. */
  ask(members: readonly Process[]): boolean {
    const fresh = members.filter((process) => !this.#asked.has(key(process)));
    for (const process of fresh) this.#asked.add(key(process));
    const any = fresh.filter((process) => this.#send(process, "SIGTERM")).length > 0;
    // A process that is stopped gets its SIGTERM only when it goes on.
    for (const process of fresh) this.#send(process, "SIGCONT");
    this.#wakeShell();
    return any;
  }

  /**
   * Ends them all. They are stopped first, until no new one appears: each of a chain of processes
   * that start another and end would be gone before its signal comes.
   */
  end(members: readonly Process[]): boolean {
    const fresh = members.filter((process) => !this.#stopped.has(key(process)));
    for (const process of fresh) this.#stopped.add(key(process));
    this.isGrowing = fresh.length > 0 && ++this.#rounds < STOP_ROUNDS;
    const targets = this.isGrowing ? fresh : members;
    const signal = this.isGrowing ? "SIGSTOP" : "SIGKILL";
    const any = targets.filter((process) => this.#send(process, signal)).length > 0;
    // The kernel reaches all of a group at one moment, also those that are just being made.
    for (const group of new Set(targets.map(({ group }) => group))) {
      if (group !== this.shell.pid && group > 1) send(-group, signal);
    }
    this.#wakeShell();
    return any;
  }

  async sweep(): Promise<void> {
    await sweep(this.#mark);
  }

  /** A job may have stopped its shell too. */
  #wakeShell(): void {
    if (this.#shellLives) send(this.shell.pid, "SIGCONT");
  }

  #send(process: Process, signal: Deno.Signal): boolean {
    const isOurs = send(process.pid, signal);
    if (!isOurs) this.#strangers.add(key(process));
    return isOurs;
  }
}

/**
 * The roots with all that belongs to them: what they have started, and who shares a process group
 * or session with them. The shell's own do not count, which it shares with other jobs; nor does 0,
 * which stands for all that were made outside this PID namespace; nor the init process.
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
