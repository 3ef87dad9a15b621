// What each kind of trouble is made of.
import type { Job } from "../../../src/queue/job.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../scene.ts";

/** One thing that is done to the queue. Heavier ones come more often. */
export interface Fault {
  readonly weight: number;
  /**
   * Does it once. What takes long is given to `stage.begin`, so that other faults meet it.
   * `random` is this fault's own, so what is drawn does not depend on what happens.
   */
  strike(stage: Stage, random: Random): void | Promise<void>;
}

export type Faults = Readonly<Record<string, Fault>>;

/** Ended jobs that a cleanup may since have removed, as they were, by their keys. */
export type Archive = Map<string, Job>;

export interface Stage {
  readonly scene: Scene;
  readonly archive: Archive;
  /** Processes that are stopped just now. */
  readonly frozen: Set<number>;
  /** Lets something go on beside what follows. */
  begin(action: Promise<void>): void;
}
