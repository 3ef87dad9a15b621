// One call of a command: what was typed, the world, and the few things that nearly all commands do
// with them.
import { QueueError } from "../queue/errors.ts";
import type { JobReader, JobStore } from "../queue/store.ts";
import type { Context, Inbox } from "./context.ts";
import { dataDirectory, prepareDataDirectory } from "./data_dir.ts";
import type { Flags, Parsed } from "./parse.ts";

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

  /** The data folder, made if need be. @throws QueueError `refused` if it is not ours */
  dataDir(): string {
    const path = dataDirectory(this.context, this.flags.text("data-dir"));
    prepareDataDirectory(this.context, path);
    return path;
  }

  /** Opens what can be seen of the store for as long as `use` takes. */
  async withReader<T>(use: (store: JobReader, dataDir: string) => Promise<T>): Promise<T> {
    return await using(this.dataDir(), (dataDir) => this.context.folder.openReader(dataDir), use);
  }

  /** Opens what takes new jobs for as long as `use` takes. */
  async withInbox<T>(use: (inbox: Inbox, dataDir: string) => Promise<T>): Promise<T> {
    return await using(this.dataDir(), (dataDir) => this.context.folder.openInbox(dataDir), use);
  }

  /** Opens the store for as long as `use` takes. */
  async withStore<T>(use: (store: JobStore, dataDir: string) => Promise<T>): Promise<T> {
    return await using(this.dataDir(), (dataDir) => this.context.folder.openStore(dataDir), use);
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

async function using<S extends { close(): void }, T>(
  dataDir: string,
  open: (dataDir: string) => Promise<S>,
  use: (store: S, dataDir: string) => Promise<T>,
): Promise<T> {
  const store = await open(dataDir);
  try {
    return await use(store, dataDir);
  } finally {
    store.close();
  }
}
