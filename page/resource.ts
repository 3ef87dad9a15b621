// Data that a screen shows: loaded when the screen opens, and again when something has changed;
// never while the page is hidden, and less often the longer the server takes to answer.
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ask, type Problem, problemOf } from "./api.ts";
import { isConnected, liveStatus } from "./live.ts";

export interface Resource<T> {
  /** The last answer, also while it is being loaded again. */
  readonly data: T | undefined;
  readonly problem: Problem | undefined;
  /** Loads it again. */
  readonly reload: () => void;
  /** Changes what is shown without loading it. */
  readonly change: (by: (data: T) => T) => void;
}

/** The least milliseconds between two automatic loads. */
const REST = 2000;
/** Milliseconds after which it is tried again where the server or the store did not answer. */
const AGAIN = 5000;
/** The share of all time that automatic loads may take. */
const SHARE = 1 / 10;

/**
 * @param path of another one the answer before is forgotten
 * @param follow whether it is asked again when counts or workers have changed
 */
export function useResource<T>(path: string, { follow = true } = {}): Resource<T> {
  const state: Signal<{ path: string; data?: T; problem?: Problem }> = useSignal({ path });
  const asking = useRef<AbortController | undefined>(undefined);
  const next = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const load = async () => {
    clearTimeout(timer.current);
    timer.current = undefined;
    asking.current?.abort();
    const { signal } = asking.current = new AbortController();
    const began = performance.now();
    try {
      const data = await ask<T>(path, signal);
      if (!signal.aborted) state.value = { path, data };
    } catch (error) {
      if (signal.aborted) return;
      const problem = problemOf(error);
      const { data } = state.value;
      // Old data stays while the server can't be reached, but not when it no longer exists.
      const keeps = state.value.path === path && data !== undefined && problem.status !== 404;
      state.value = { path, ...(keeps && { data }), problem };
      if (isPassing(problem)) timer.current = setTimeout(load, AGAIN);
    }
    const took = performance.now() - began;
    next.current = performance.now() + Math.max(REST, took / SHARE);
  };
  const loadLater = () => {
    if (timer.current !== undefined || document.hidden) return;
    timer.current = setTimeout(load, Math.max(0, next.current - performance.now()));
  };

  useEffect(() => {
    void load();
    const shown = () => void (document.hidden || loadLater());
    document.addEventListener("visibilitychange", shown);
    return () => {
      document.removeEventListener("visibilitychange", shown);
      clearTimeout(timer.current);
      timer.current = undefined;
      asking.current?.abort();
    };
  }, [path]);
  useSignalEffect(() => {
    if (liveStatus.value !== undefined && follow && next.current > 0) loadLater();
  });

  useSignalEffect(() => {
    const { problem } = state.peek();
    if (isConnected.value && problem !== undefined && isPassing(problem)) void load();
  });

  const { data, problem } = state.value.path === path
    ? state.value
    : { data: undefined, problem: undefined };
  return {
    data,
    problem,
    reload: () => void load(),
    change: (by) => {
      const { data: before } = state.value;
      if (before !== undefined) state.value = { ...state.value, data: by(before) };
    },
  };
}

/** Whether the same request may do better later. */
function isPassing({ status }: Problem): boolean {
  return status === 0 || status >= 500;
}
