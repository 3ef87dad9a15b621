// Records the session that docs/terminal.svg shows: real commands on a separate data folder, and
// what they print, in colour. Ids, paths and the time of day are replaced by fixed ones; durations
// are as measured.
import { cleanEnvironment, putOnPath, sources } from "./on_path.ts";

/** The commands: a job that succeeds, and one that fails, is examined, and is retried. */
const COMMANDS = [
  "queuectl enqueue 'sleep 1; sort -u words.txt > sorted.txt'",
  "queuectl enqueue --job-id fetch --max-retries 1 'cat not-there-yet'",
  "queuectl start --count 2 --drain",
  "queuectl dlq list",
  "queuectl job logs fetch",
  "echo 'here I am' > not-there-yet",
  "queuectl dlq retry fetch",
  "queuectl start --drain",
  "queuectl job history fetch",
];

/** The folder that the session shows. */
const HOME = "/home/ann";
const DAY = "2026-11-24";
const BEGIN = "09:30:00";
const ID = "5d69fb0e-6500-4850-89ea-8342c39eb8db";

/**
 * Runs the session in a folder that is removed afterwards.
 * @returns prompts, commands and what they printed, with the escape sequences of colours
 * @throws Error if a command fails
 */
export async function recordTerminal(): Promise<string> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "queuectl-terminal-" }));
  try {
    await Deno.mkdir(`${folder}/bin`);
    putOnPath(`${folder}/bin`, sources());
    await Deno.writeTextFile(`${folder}/words.txt`, "queue\njob\nworker\njob\n");
    let text = "";
    for (const command of COMMANDS) {
      text += `\x1b[2m$\x1b[22m \x1b[1m${command}\x1b[22m\n${await printedBy(command, folder)}`;
    }
    return stable(text, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function printedBy(command: string, folder: string): Promise<string> {
  const { code, stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", `exec 2>&1\n${command}`],
    cwd: folder,
    clearEnv: true,
    env: cleanEnvironment({
      PATH: `${folder}/bin:${Deno.env.get("PATH") ?? ""}`,
      XDG_DATA_HOME: `${folder}/.local/share`,
      FORCE_COLOR: "1",
      NO_COLOR: "",
      LC_ALL: "C",
      TZ: "UTC",
    }),
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(`exit code ${code}: ${command}\n${text}`);
  return text;
}

/** The same session with a fixed start time, folder and random id. */
export function stable(text: string, folder: string): string {
  const id = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)?.[0];
  const named = id === undefined
    ? text
    : text.replaceAll(id, ID).replaceAll(id.slice(0, 8), ID.slice(0, 8));
  const clock = /(?<![\d:])\d\d:\d\d:\d\d(?![\d:])/g;
  const first = clock.exec(named)?.[0] ?? BEGIN;
  return named.replaceAll(folder, HOME).replace(/\b\d{4}-\d\d-\d\d\b(?!-)/g, DAY).replace(
    clock,
    (time) => asClock(secondsOf(BEGIN) + secondsOf(time) - secondsOf(first)),
  );
}

function secondsOf(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(":").map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}

function asClock(seconds: number): string {
  const day = 86_400;
  const time = ((seconds % day) + day) % day; // wraps around at midnight
  return [time / 3600, time / 60 % 60, time % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}
