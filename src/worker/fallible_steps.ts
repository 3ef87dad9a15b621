// Steps that may fail without the worker failing: it says so, once, and goes on.
import { isUnavailable, messageOf } from "../queue/errors.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

export class FallibleSteps {
  readonly #report: (event: WorkerEvent) => void;
  /** What went wrong last with each step that has not gone well since. */
  readonly #failures = new Map<string, string>();

  constructor(report: (event: WorkerEvent) => void) {
    this.#report = report;
  }

  /** Does a step, called `what` as in "Cannot …". @returns whether it went well */
  async attempt(what: string, step: () => void | Promise<void>): Promise<boolean> {
    try {
      await step();
      this.#failures.delete(what);
      return true;
    } catch (error) {
      // That is told once for all steps and workers, by the supervisor.
      if (isUnavailable(error)) return false;
      const message = `Cannot ${what}: ${messageOf(error)}`;
      if (this.#failures.get(what) !== message) this.#report({ kind: "warning", message });
      this.#failures.set(what, message);
      return false;
    }
  }
}
