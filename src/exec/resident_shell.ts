// One shell that is kept running and gets a line for each job. This owns the process and its two
// pipes, and does not know what the lines mean.

import type { FileSystem } from "../system/file_system.ts";
import { aliveOf, pipeOf, type ProcessIdentity } from "./journal.ts";
import { PlainCommands } from "./plain_command.ts";
import {
  functionsScript,
  type Greeting,
  greetingScript,
  parseGreeting,
  request,
  type ShellKind,
  type Variables,
} from "./job_script.ts";
import { pause } from "./timer.ts";

const encoder = new TextEncoder();

export interface ShellOptions {
  /** All jobs get these. */
  readonly variables?: Variables;
  /** The file that says until when jobs may run: see guard.ts. */
  readonly deadline?: string | undefined;
}

/** A shell process, running or ended. */
export class ResidentShell {
  /** Settles when the shell has ended, and never rejects. */
  readonly died: Promise<void>;
  identity: ProcessIdentity = { pid: 0, boot: "-", start: "-", namespace: "-", host: "-" };
  kind: ShellKind = "sh";
  /** Knows which commands this shell runs without /bin/sh; undefined if it can't. */
  plain: PlainCommands | undefined;
  /** Set once the shell has ended. */
  status: Deno.CommandStatus | undefined;

  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamBYOBReader;
  readonly #pumped: Promise<void>;
  #hear: ((line: string | undefined) => void) | undefined;
  /**
   * The key of the run whose capped log was completed last, and the callback of who waits for one.
   */
  #drained = "";
  #onDrained: (() => void) | undefined;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter() as WritableStreamDefaultWriter<Uint8Array>;
    this.#output = child.stdout.getReader({ mode: "byob" });
    this.#pumped = this.#pump();
    this.died = child.status.then(async (status) => {
      // Its last output may not have arrived yet.
      await pause(5, this.#pumped);
      this.status = status;
      this.#hear?.(undefined);
    });
  }

  /**
   * Starts a shell in a session of its own, with a new journal that begins with its identity.
   *
   * @param wanted the kind to try first
   *
   * @throws Error if it does not start
   */
  static async start(
    files: FileSystem,
    journal: string,
    wanted: ShellKind,
    { variables, deadline }: ShellOptions = {},
  ): Promise<ResidentShell> {
    let fault = "there is no /bin/sh";
    for (const [kind, ...words] of wanted === "bash" ? SHELLS : SHELLS.toReversed()) {
      // Before the shell is started: if the journal can't be made, no shell must be left behind.
      removeJournal(files, journal);
      files.create(journal, "");
      const child = spawnDetached(words);
      if (!child) continue;
      const shell = new ResidentShell(child);
      const answer = await shell.ask(greetingScript(journal));
      if (answer !== undefined) {
        const missing = shell.#meet(parseGreeting(answer), kind, journal, variables, deadline);
        if (missing === undefined) return shell;
        fault = missing;
      }
      await shell.release();
      if (answer === undefined) fault = `it ended with exit code ${shell.status?.code}`;
    }
    throw new Error(`Cannot start a shell for jobs: ${fault}`);
  }

  /**
   * Sends the definitions for jobs.
   * @returns what is missing on this system, if anything
   */
  #meet(
    greeting: Greeting,
    kind: ShellKind,
    journal: string,
    variables: Variables | undefined,
    deadline: string | undefined,
  ): string | undefined {
    if (kind === "sh" && greeting.setsid === "") {
      return "neither bash nor setsid is on the PATH; install one of them";
    }
    this.identity = greeting.identity;
    this.kind = kind;
    if (kind === "bash") {
      this.plain = new PlainCommands((question) => this.ask(request(question)));
    }
    // It needs no answer, since the shell reads lines in order.
    const script = functionsScript(kind, greeting, journal, variables, deadline);
    this.#input.write(encoder.encode(script)).catch(() => {});
    return undefined;
  }

  /**
   * Sends a line and returns the answer; undefined if the shell ended without one. One call at a
   * time.
   */
  ask(script: string): Promise<string | undefined> {
    if (this.status) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#hear = resolve;
      // If the shell is gone, the pipe is broken, and `died` resolves this.
      this.#input.write(encoder.encode(script)).catch(() => {});
    });
  }

  /**
   * Waits until the whole output of that run is in its capped log, or until the time has passed.
   */
  async drained(key: string, milliseconds: number): Promise<void> {
    if (this.#drained === key) return;
    await pause(milliseconds, new Promise<void>((resolve) => this.#onDrained = resolve));
  }

  /** Ends the shell by closing its input. A job that still runs ends first. */
  async release(): Promise<void> {
    await this.#input.close().catch(() => {});
    // It may be suspended.
    if (!this.status) signal(this.#child, "SIGCONT");
    await this.died;
    await this.#output.cancel().catch(() => {});
    await this.#pumped;
  }

  /** Kills the shell at once, but not the job that it runs. */
  kill(): void {
    signal(this.#child, "SIGKILL");
  }

  async #pump(): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    // The buffer is reused: by default each answer takes a new one of 64 KiB, which uses 12 MB more
    // memory.
    let buffer = new ArrayBuffer(1024);
    for (;;) {
      const { value } = await this.#output.read(new Uint8Array(buffer)).catch(() => ({
        value: undefined,
      }));
      if (!value?.length) return;
      buffer = value.buffer;
      text += decoder.decode(value, { stream: true });
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        this.#deliver(text.slice(0, end));
        text = text.slice(end + 1);
      }
    }
  }

  #deliver(line: string): void {
    if (line.startsWith("~ ")) {
      this.#drained = line.slice(2);
      this.#onDrained?.();
    } else {
      this.#hear?.(line);
      this.#hear = undefined;
    }
  }
}

/** Removes the journal of a dead shell, and its pipes. */
export function removeJournal(files: FileSystem, journal: string): void {
  for (const path of [journal, pipeOf(journal), aliveOf(journal)]) {
    if (files.info(path)) files.remove(path);
  }
}

/**
 * The shells to try, in this order. With `-p`, bash does not import functions and options from the
 * environment, but still passes the functions on to jobs.
 */
const SHELLS: readonly [ShellKind, string, ...string[]][] = [
  ["bash", "/bin/bash", "-p", "-s"],
  ["bash", "bash", "-p", "-s"],
  ["sh", "/bin/sh", "-s"],
];

/**
 * Starts a program in a session of its own, so that no terminal and no signal to the worker's group
 * reaches the jobs. Undefined if there is no such program; with `setsid`, the exit code tells
 * instead.
 */
function spawnDetached(words: readonly string[]): Deno.ChildProcess | undefined {
  const pipes = { stdin: "piped", stdout: "piped", stderr: "null" } as const;
  // macOS has no setsid. `detached` does the same, but its fork blocks for milliseconds.
  for (const [program, ...args] of [["setsid", ...words], words]) {
    try {
      const detached = program !== "setsid";
      return new Deno.Command(program!, { args, detached, ...pipes }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended.
  }
}
