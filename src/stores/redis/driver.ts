// The wire to a Redis server: npm's `@redis/client` as far as it is used here, which reads and writes
// the protocol, on a socket of Deno's. Its own client reads 400 files at import and takes four times as
// long to be there. Answers come in the order of questions; news come in between (RESP3).
import * as decoding from "@redis/client/dist/lib/RESP/decoder.js";
import * as encoding from "@redis/client/dist/lib/RESP/encoder.js";
import { type Address, connect, ConnectionEnded, isOfCertificate } from "./socket.ts";

export type Argument = string | Uint8Array;
/** Texts, numbers, `null`, maps as objects, and arrays of these; bytes where they are asked for. */
export type Reply = unknown;

/** As Redis 6.2 wraps what a command of a script answers: the error itself comes behind it. */
const OF_SCRIPT = /^ERR Error running script \(call to f_\w+\): (?:@user_script: ?\d+: )+-?/;

/** What the server answers instead: a word such as `NOPERM` comes first. */
export class ErrorReply extends Error {
  constructor(message: string) {
    super(message.replace(OF_SCRIPT, ""));
  }

  get word(): string {
    return this.message.split(" ", 1)[0]!;
  }
}

interface Question {
  readonly asBytes: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Decoder {
  write(chunk: Uint8Array): void;
}

interface Bytes {
  from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array;
}

const { Decoder, RESP_TYPES } = exportsOf(decoding) as {
  Decoder: new (options: unknown) => Decoder;
  RESP_TYPES: Readonly<Record<"BLOB_STRING", number>>;
};
const { default: encode } = exportsOf(encoding) as {
  default: (words: readonly Argument[]) => readonly Argument[];
};
/**
 * What a CommonJS module exports. Deno has all of it as `default`; in a build's bundle, the module
 * is what it exports.
 */
function exportsOf(module: unknown): unknown {
  const { default: inner } = module as { default?: { __esModule?: boolean } };
  return inner?.__esModule === true ? inner : module;
}

/** The decoder wants bytes of this class, which is a global of npm's packages. */
const { Buffer } = globalThis as unknown as { Buffer: Bytes };

const CHUNK = 64 * 1024;
/** With less room than this a new chunk is begun. */
const LEAST_ROOM = 16 * 1024;
const encoder = new TextEncoder();

export class Wire {
  readonly #socket: Deno.Conn;
  readonly #questions: Question[] = [];
  readonly #decoder: Decoder;
  #unsent: Uint8Array[] = [];
  #isSending = false;
  #ended: Error | undefined;
  #onEnd = () => {};
  /** Told of what is published on a channel. */
  onNews: (channel: string, word: string) => void = () => {};

  private constructor(socket: Deno.Conn) {
    this.#socket = socket;
    const asText = {};
    const asBytes = { [RESP_TYPES.BLOB_STRING]: Buffer };
    this.#decoder = new Decoder({
      onReply: (reply: Reply) => this.#questions.shift()?.resolve(reply),
      onErrorReply: ({ message }: Error) =>
        this.#questions.shift()?.reject(new ErrorReply(message)),
      onPush: ([kind, channel, word]: unknown[]) => {
        // What answers SUBSCRIBE is a push, too.
        if (String(kind) === "message") this.onNews(String(channel), String(word));
        else this.#questions.shift()?.resolve(null);
      },
      getTypeMapping: () => this.#questions[0]?.asBytes ? asBytes : asText,
    });
  }

  /** @param signal gives up connecting */
  static async open(address: Address, signal: AbortSignal): Promise<Wire> {
    const wire = new Wire(await connect(address, signal));
    void wire.#receive();
    return wire;
  }

  /** Told once, when the connection has ended; at once if it has. */
  set onEnd(told: () => void) {
    this.#onEnd = told;
    if (this.#ended !== undefined) told();
  }

  /** @throws ErrorReply; ConnectionEnded, if it is not known what became of the question */
  ask(words: readonly Argument[], asBytes = false): Promise<Reply> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const parts = plainly(words) ??
      encode(words.map((word) => word instanceof Uint8Array ? ours(word) : word));
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#questions.push({ asBytes, resolve, reject });
    for (const part of parts) {
      this.#unsent.push(typeof part === "string" ? encoder.encode(part) : part);
    }
    if (!this.#isSending) void this.#send();
    return promise;
  }

  /** Ends it at once; what was asked for and not answered is rejected. */
  end(reason: Error = new ConnectionEnded("it was closed")): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    try {
      this.#socket.close();
    } catch {
      // It was closed by the other side.
    }
    for (const { reject } of this.#questions.splice(0)) reject(reason);
    this.#onEnd();
  }

  /** Ends it, since there was no answer in time. */
  giveUp(): void {
    this.end(new ConnectionEnded("no answer in time"));
  }

  /** What `step` returns. The connection is given up when `signal` aborts meanwhile. */
  async unlessAborted<T>(signal: AbortSignal, step: () => Promise<T>): Promise<T> {
    const onAbort = () => this.giveUp();
    signal.addEventListener("abort", onAbort);
    try {
      return await step();
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #receive(): Promise<void> {
    try {
      // What is decoded as bytes may be a view of it, so no part of it is used twice.
      let chunk = new Uint8Array(CHUNK);
      for (let at = 0;;) {
        const count = await this.#socket.read(chunk.subarray(at));
        if (count === null) throw new ConnectionEnded("the server has ended the connection");
        this.#decoder.write(Buffer.from(chunk.buffer, at, count));
        at += count;
        if (CHUNK - at >= LEAST_ROOM) continue;
        [chunk, at] = [new Uint8Array(CHUNK), 0];
      }
    } catch (error) {
      this.end(endedBy(error));
    }
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    try {
      while (this.#unsent.length > 0) {
        const bytes = joined(this.#unsent.splice(0));
        for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
      }
    } catch (error) {
      this.end(endedBy(error));
    } finally {
      this.#isSending = false;
    }
  }
}

/** What `encode` makes of texts without a character of several bytes, in half the time. */
function plainly(words: readonly Argument[]): readonly Argument[] | undefined {
  const parts: Argument[] = [];
  let text = `*${words.length}\r\n`;
  for (const word of words) {
    text += `$${word.length}\r\n`;
    if (typeof word === "string") text += word;
    else {
      parts.push(text, word);
      text = "";
    }
    text += "\r\n";
  }
  parts.push(text);
  // deno-lint-ignore no-control-regex -- all of ASCII
  const isPlain = (part: Argument) => typeof part !== "string" || /^[\x00-\x7f]*$/.test(part);
  return parts.every(isPlain) ? parts : undefined;
}

function ours(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function endedBy(error: unknown): Error {
  if (error instanceof ConnectionEnded) return error;
  // Only when one asks does the server say what is wrong with the certificate of its client.
  if (error instanceof Error && isOfCertificate(error)) return error;
  return new ConnectionEnded("the connection has ended", { cause: error });
}
