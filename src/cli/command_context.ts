// One call of a command: what was typed, the world, and the few things that nearly all commands do
// with them.
import { QueueError } from "../queue/errors.ts";
import type { Inbox, JobReader, JobStore } from "../queue/store.ts";
import type { Store } from "../stores/store.ts";
import type { Context } from "./context.ts";
import type { Flags, Parsed } from "./grammar/parse.ts";
import { storeLocation } from "./store_location.ts";

/** Does what a command says. @returns the exit code, 0 if nothing */
export type Handler = (call: CommandContext) => Promise<number | void>;

export class CommandContext implements Parsed {
  readonly context: Context;
  readonly flags: Flags;
  readonly args: string[];
  readonly rest: string[] | undefined;

  constructor(context: Context, parsed: Parsed) {
    this.context = context;
    this.flags = parsed.flags;
    this.args = parsed.args;
    this.rest = parsed.rest;
  }

  /**
   * The store that the options and variables name, made if need be.
   * @throws QueueError `usage`; `refused` if it is not ours
   */
  store(): Store {
    const store = this.context.openStore(storeLocation(this.context, this.flags));
    store.prepare();
    return store;
  }

  /** Opens what can be seen of the jobs for as long as `use` takes. */
  async withReader<T>(use: (jobs: JobReader, store: Store) => Promise<T>): Promise<T> {
    const store = this.store();
    return await using(await store.openReader(), store, use);
  }

  /** Opens what takes new jobs for as long as `use` takes. */
  async withInbox<T>(use: (inbox: Inbox, store: Store) => Promise<T>): Promise<T> {
    const store = this.store();
    return await using(await store.openInbox(), store, use);
  }

  /** Opens the jobs for as long as `use` takes. */
  async withJobs<T>(use: (jobs: JobStore, store: Store) => Promise<T>): Promise<T> {
    const store = this.store();
    return await using(await store.openJobs(), store, use);
  }

  /** A result, to stdout. What the command is for has been done by then, which an error says. */
  print(text: string | Uint8Array): void {
    try {
      if (text.length > 0) this.context.stdout.write(text);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe || !(error instanceof Error)) throw error;
      throw new QueueError("io", `It is done, but the result can't be printed: ${error.message}`);
    }
  }

  /** A JSON document, to stdout. */
  printJson(value: unknown): void {
    this.context.stdout.write(JSON.stringify(value, null, 2) + "\n");
  }

  /** A message to the person at the keyboard, to stderr. */
  say(text: string): void {
    this.context.stderr.write(`${text}\n`);
  }

  /** Reports what could not be done, where that does not end the command. @returns the exit code */
  report(refused: readonly QueueError[]): number {
    for (const error of refused) this.say(`queuectl: ${error.message}`);
    return refused.length === 0 ? 0 : 1;
  }
}

async function using<J extends { close(): Promise<void> }, T>(
  jobs: J,
  store: Store,
  use: (jobs: J, store: Store) => Promise<T>,
): Promise<T> {
  try {
    return await use(jobs, store);
  } finally {
    await jobs.close();
  }
}
