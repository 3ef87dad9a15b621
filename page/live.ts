// Events from the server. Only one tab of a browser holds the event stream, and passes the events
// on to the others: browsers allow six connections to a host, and every stream occupies one.
import { effect, signal } from "@preact/signals";
import { ask, isSignedOut, type Job, type LiveStatus } from "./api.ts";

export interface JobNews {
  readonly jobs: readonly Job[];
  readonly removed: readonly string[];
}

export interface LogNews {
  readonly id: string;
  readonly attempt: number;
  readonly size: number;
  readonly running: boolean;
}

/** What one tab wants to be told about, besides counts and workers. */
interface Wish {
  readonly ids: readonly string[];
  /** `ID:ATTEMPT`. */
  readonly logs: readonly string[];
}

type Message =
  | { readonly type: "wish"; readonly tab: string; readonly wish: Wish }
  /** Another tab holds the stream now: send your wishes again. */
  | { readonly type: "who" }
  | { readonly type: "news"; readonly event: string; readonly data: string }
  | { readonly type: "state"; readonly isConnected: boolean };

const MOST_IDS = 200;
const MOST_LOGS = 8;
/** Milliseconds after which the wish of a silent tab is dropped. */
const FORGET = 180_000;
/** Milliseconds before a refused stream is opened again. */
const AGAIN = 3000;
const NOTHING: Wish = { ids: [], logs: [] };

/** The latest counts and workers. */
export const liveStatus = signal<LiveStatus | undefined>(undefined);
/** Undefined: not known yet. */
export const isConnected = signal<boolean | undefined>(undefined);

const tab = `${Date.now()}-${Math.random()}`;
const channel = new BroadcastChannel("queuectl");
const jobListeners = new Set<(news: JobNews) => void>();
const logListeners = new Set<(news: LogNews) => void>();
/** The wishes of the parts of this tab. */
const wants = new Map<object, Partial<Wish>>();
/** The wishes of all tabs; only in the tab that holds the stream. */
let wishes: Map<string, { wish: Wish; heardAt: number }> | undefined;
let stream: EventSource | undefined;
let streamed = "";
let reopening: ReturnType<typeof setTimeout> | undefined;

/** Calls the listener with the current state of these jobs, and whenever one changes. */
export function watchJobs(ids: readonly string[], listener: (news: JobNews) => void): () => void {
  return watch({ ids }, jobListeners, listener);
}

/** Calls the listener when the output of an attempt grows or ends. */
export function watchLog(
  id: string,
  attempt: number,
  listener: (news: LogNews) => void,
): () => void {
  return watch({ logs: [`${id}:${attempt}`] }, logListeners, (news: LogNews) => {
    if (news.id === id && news.attempt === attempt) listener(news);
  });
}

/** Starts listening; called once. */
export function startListening(): void {
  channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data);
  document.addEventListener("visibilitychange", sayWish);
  addEventListener("pagehide", () => {
    say({ type: "wish", tab, wish: NOTHING });
  });
  // A tab that crashed can't withdraw its wish; the others renew theirs.
  setInterval(sayWish, FORGET / 3);
  // Locks exist only on localhost and with TLS. Elsewhere each visible tab has its own stream.
  if (navigator.locks === undefined) {
    document.addEventListener("visibilitychange", () => document.hidden ? resign() : lead());
    if (!document.hidden) lead();
  } else {
    void navigator.locks.request("queuectl stream", () => {
      lead();
      return new Promise(() => {});
    });
  }
  sayWish();
  // Connects immediately after signing in.
  effect(() => {
    if (!isSignedOut.value && stream?.readyState === EventSource.CLOSED) open(streamed);
  });
}

function watch<T>(
  wish: Partial<Wish>,
  listeners: Set<(news: T) => void>,
  listener: (news: T) => void,
): () => void {
  const key = {};
  wants.set(key, wish);
  listeners.add(listener);
  sayWish();
  return () => {
    wants.delete(key);
    listeners.delete(listener);
    sayWish();
  };
}

function sayWish(): void {
  const all = document.hidden ? [] : [...wants.values()];
  const wish: Wish = {
    ids: all.flatMap(({ ids = [] }) => ids),
    logs: all.flatMap(({ logs = [] }) => logs),
  };
  say({ type: "wish", tab, wish });
}

/** Sends a message to all tabs, including this one. */
function say(message: Message): void {
  channel.postMessage(message);
  hear(message);
}

function hear(message: Message): void {
  switch (message.type) {
    case "wish":
      if (wishes === undefined) return;
      // A new tab does not know the state yet.
      if (!wishes.has(message.tab) && message.tab !== tab && isConnected.value !== undefined) {
        channel.postMessage({ type: "state", isConnected: isConnected.value });
      }
      wishes.set(message.tab, { wish: message.wish, heardAt: Date.now() });
      return reopenSoon();
    case "who":
      return sayWish();
    case "state":
      isConnected.value = message.isConnected;
      return;
    case "news":
      return take(message.event, JSON.parse(message.data));
  }
}

function take(event: string, data: unknown): void {
  if (event === "status") liveStatus.value = data as LiveStatus;
  if (event === "jobs") { for (const listener of [...jobListeners]) listener(data as JobNews); }
  if (event === "log") { for (const listener of [...logListeners]) listener(data as LogNews); }
}

/** Makes this tab the one that holds the stream. */
function lead(): void {
  wishes = new Map();
  say({ type: "who" });
  reopenSoon();
}

function resign(): void {
  wishes = undefined;
  stream?.close();
  [stream, streamed] = [undefined, ""];
}

/** Wishes often change several times in a row. */
function reopenSoon(): void {
  clearTimeout(reopening);
  // In a hidden tab a timer may take a minute.
  if (document.hidden) reopen();
  else reopening = setTimeout(reopen, 50);
}

function reopen(): void {
  if (wishes === undefined) return;
  for (const [name, { heardAt }] of wishes) {
    if (Date.now() - heardAt > FORGET) wishes.delete(name);
  }
  const all = [...wishes.values()].map(({ wish }) => wish);
  const ids = [...new Set(all.flatMap((wish) => wish.ids))].slice(0, MOST_IDS);
  const logs = [...new Set(all.flatMap((wish) => wish.logs))].slice(0, MOST_LOGS);
  const query = new URLSearchParams(logs.map((log) => ["log", log]));
  if (ids.length > 0) query.set("ids", ids.join());
  const url = `api/events?${query}`;
  if (stream !== undefined && url === streamed) return;
  open(url);
}

function open(url: string): void {
  const before = stream;
  const source = new EventSource(url);
  [stream, streamed] = [source, url];
  source.onopen = () => {
    before?.close();
    say({ type: "state", isConnected: true });
  };
  for (const event of ["status", "jobs", "log"]) {
    source.addEventListener(event, ({ data }) => say({ type: "news", event, data }));
  }
  source.onerror = () => {
    before?.close();
    if (stream !== source) return source.close();
    say({ type: "state", isConnected: false });
    // The browser reconnects by itself after a lost connection, but not after a refusal.
    if (source.readyState !== EventSource.CLOSED) return;
    // If the token has changed, this shows the sign-in form.
    ask("api/status").catch(() => {});
    setTimeout(() => stream === source && !isSignedOut.value && open(url), AGAIN);
  };
}
