// What the server tells by itself. One tab of a browser holds the stream and passes on what it hears:
// browsers allow six connections to a host, and each tab would take one for ever.
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

/** What one tab wants to hear of, beside counts and workers. */
interface Wish {
  readonly ids: readonly string[];
  /** `ID:ATTEMPT`. */
  readonly logs: readonly string[];
}

type Message =
  | { readonly type: "wish"; readonly tab: string; readonly wish: Wish }
  /** A new tab holds the stream: say your wishes again. */
  | { readonly type: "who" }
  | { readonly type: "news"; readonly event: string; readonly data: string }
  | { readonly type: "state"; readonly isConnected: boolean };

const MOST_IDS = 200;
const MOST_LOGS = 8;
/** Milliseconds after which the wish of a tab that was not heard of again is forgotten. */
const FORGET = 180_000;
/** Milliseconds before a stream that the server refused is asked for again. */
const AGAIN = 3000;
const NOTHING: Wish = { ids: [], logs: [] };

/** The last that was heard of counts and workers. */
export const liveStatus = signal<LiveStatus | undefined>(undefined);
/** Undefined: not known yet. */
export const isConnected = signal<boolean | undefined>(undefined);

const tab = `${Date.now()}-${Math.random()}`;
const channel = new BroadcastChannel("queuectl");
const jobListeners = new Set<(news: JobNews) => void>();
const logListeners = new Set<(news: LogNews) => void>();
/** The wishes of the parts of this tab. */
const wants = new Map<object, Partial<Wish>>();
/** Those of all tabs, where this one holds the stream. */
let wishes: Map<string, { wish: Wish; heardAt: number }> | undefined;
let stream: EventSource | undefined;
let streamed = "";
let reopening: ReturnType<typeof setTimeout> | undefined;

/** Hears of these jobs as long as it is wanted; first of each as it is now. */
export function watchJobs(ids: readonly string[], listener: (news: JobNews) => void): () => void {
  return watch({ ids }, jobListeners, listener);
}

/** Hears when the output of an attempt grows or ends. */
export function watchLog(
  id: string,
  attempt: number,
  listener: (news: LogNews) => void,
): () => void {
  return watch({ logs: [`${id}:${attempt}`] }, logListeners, (news: LogNews) => {
    if (news.id === id && news.attempt === attempt) listener(news);
  });
}

/** Begins to listen; once. */
export function startListening(): void {
  channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data);
  document.addEventListener("visibilitychange", sayWish);
  addEventListener("pagehide", () => {
    say({ type: "wish", tab, wish: NOTHING });
  });
  // So that wishes do not outlive their tab for long, where it could not say so.
  setInterval(sayWish, FORGET / 3);
  // Only pages from this machine, or by TLS, have locks. Others hold a stream each, while they show.
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
  // Who has shown the token hears at once.
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

/** Tells the other tabs, and this one. */
function say(message: Message): void {
  channel.postMessage(message);
  hear(message);
}

function hear(message: Message): void {
  switch (message.type) {
    case "wish":
      if (wishes === undefined) return;
      // A new tab does not know how things stand.
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

/** From now on this tab holds the stream. */
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

/** Several wishes come at once: a list, and a moment later another. */
function reopenSoon(): void {
  clearTimeout(reopening);
  // Timers of a tab that does not show may take a minute.
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
    // A lost connection is made anew by itself, a refused one is not.
    if (source.readyState !== EventSource.CLOSED) return;
    // Where the token is another one by now, this finds out.
    ask("api/status").catch(() => {});
    setTimeout(() => stream === source && !isSignedOut.value && open(url), AGAIN);
  };
}
