// Runs steps that may fail without ending the worker: a failure is reported once, and the worker
// goes on.
import { messageOf } from "../queue/errors.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

export class FallibleSteps {
  readonly #report: (event: WorkerEvent) => void;
  /** The last failure of each step that has not succeeded since. */
  readonly #failures = new Map<string, string>();

  constructor(report: (event: WorkerEvent) => void) {
    this.#report = report;
  }

  /**
   * Runs a step. `what` completes the message "Cannot …".
   * @returns whether it succeeded
   */
  async attempt(what: string, step: () => void | Promise<void>): Promise<boolean> {
    try {
      await step();
      this.#failures.delete(what);
      return true;
    } catch (error) {
      const message = `Cannot ${what}: ${messageOf(error)}`;
      if (this.#failures.get(what) !== message) this.#report({ kind: "warning", message });
      this.#failures.set(what, message);
      return false;
    }
  }
}
