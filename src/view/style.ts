// Colours, by our own code instead of a package, which would cost at least 34 ms of start-up.
import type { JobState } from "../queue/job.ts";

export type Colour = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "dim" | "bold";

/** Colours text, or leaves it as it is. */
export type Paint = (text: string, colour: Colour | undefined) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

export const STATE_COLOURS: Readonly<Record<JobState, Colour>> = {
  pending: "cyan",
  blocked: "blue",
  processing: "yellow",
  completed: "green",
  failed: "magenta",
  dead: "red",
  cancelled: "dim",
};

export const plain: Paint = (text) => text;

const inColour: Paint = (text, colour) => {
  if (colour === undefined || text === "") return text;
  const [on, off] = CODES[colour];
  return `\x1b[${on}m${text}\x1b[${off}m`;
};

/**
 * How to colour text for a stream: `NO_COLOR` turns colours off, `FORCE_COLOR` turns them on, and
 * otherwise the stream must be a terminal that supports them.
 */
export function paintFor(
  stream: { isTerminal: boolean },
  env: (name: string) => string | undefined,
): Paint {
  if ((env("NO_COLOR") ?? "") !== "") return plain;
  const force = env("FORCE_COLOR") ?? "";
  if (force !== "") return force === "0" ? plain : inColour;
  return stream.isTerminal && env("TERM") !== "dumb" ? inColour : plain;
}
