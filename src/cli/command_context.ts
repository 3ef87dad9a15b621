// One call of a command: what was typed, the context, and the few things that nearly all commands
// do with them.
import { QueueError } from "../queue/errors.ts";
import type { Inbox, JobReader, JobStore } from "../queue/store.ts";
import type { Store } from "../stores/store.ts";
import type { Context } from "./context.ts";
import type { Flags, Parsed } from "./grammar/parse.ts";
import { storeLocation } from "./store_location.ts";

/**
 * Runs a command.
 * @returns the exit code; nothing means 0
 */
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
   * The store that options and environment variables name; it is made if it does not exist.
   *
   * @param within milliseconds in which a server has to answer; as long as it takes if left out
   * @throws QueueError `usage`; `refused` if the folder belongs to another user
   */
  store(within?: number): Store {
    const location = storeLocation(this.context, this.flags);
    const isLimited = location.kind !== "folder" && within !== undefined;
    const store = this.context.openStore(isLimited ? { ...location, within } : location);
    store.prepare();
    return store;
  }

  /** Opens the jobs for reading, and closes them when `use` is done. */
  async withReader<T>(use: (jobs: JobReader, store: Store) => Promise<T>): Promise<T> {
    const store = this.store();
    return await using(await store.openReader(), store, use);
  }

  /** Opens the inbox for new jobs, and closes it when `use` is done. */
  async withInbox<T>(
    use: (inbox: Inbox, store: Store) => Promise<T>,
    within?: number,
  ): Promise<T> {
    const store = this.store(within);
    return await using(await store.openInbox(), store, use);
  }

  /** Opens the jobs for reading and changing, and closes them when `use` is done. */
  async withJobs<T>(
    use: (jobs: JobStore, store: Store) => Promise<T>,
    within?: number,
  ): Promise<T> {
    const store = this.store(within);
    return await using(await store.openJobs(), store, use);
  }

  /** Writes a result to stdout. The command has done its work by then, so an error must say so. */
  print(text: string | Uint8Array): void {
    try {
      if (text.length > 0) this.context.stdout.write(text);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe || !(error instanceof Error)) throw error;
      throw new QueueError(
        "io",
        `The command was carried out, but its result can't be printed: ${error.message}`,
      );
    }
  }

  /** Writes a JSON document to stdout. */
  printJson(value: unknown): void {
    this.context.stdout.write(JSON.stringify(value, null, 2) + "\n");
  }

  /** Writes a message for the user to stderr. */
  say(text: string): void {
    this.context.stderr.write(`${text}\n`);
  }

  /**
   * Reports failures that do not end the command.
   * @returns the exit code
   */
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
