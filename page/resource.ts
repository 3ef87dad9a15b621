// What a screen shows of the API: asked for when it is opened, and again when something has changed,
// but never while nobody looks, and not so often that looking costs much.
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ask, type Problem, problemOf } from "./api.ts";
import { liveStatus } from "./live.ts";

export interface Resource<T> {
  /** The last answer, also while the next one is on its way. */
  readonly data: T | undefined;
  readonly problem: Problem | undefined;
  /** Asks anew. */
  readonly reload: () => void;
  /** Changes what is shown, as by news of the stream. */
  readonly change: (by: (data: T) => T) => void;
}

/** Milliseconds between two questions of one screen that nobody asked for. */
const REST = 2000;
/** Of all time, such questions may take this share. */
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
      // What is gone is not shown any more; what can't be reached for a while is.
      const keeps = state.value.path === path && data !== undefined && problem.status !== 404;
      state.value = { path, ...(keeps && { data }), problem };
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
