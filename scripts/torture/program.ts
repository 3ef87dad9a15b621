// The program that is tortured: how it is prepared and called.
import { PERMISSION_FLAGS } from "../../src/system/permissions.ts";

const root = new URL("../..", import.meta.url).pathname;

/** A call of the program that has ended. */
export interface Ended {
  readonly args: readonly string[];
  /** Null if it was killed by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  /** A file for what it says. */
  readonly log?: string;
  readonly input?: string;
  readonly dataDir?: string;
  /** A program, with its arguments, that is to start it. */
  readonly within?: readonly string[];
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

/** Runs in its folder `program` of the torture's; its processes are known by `marker`. */
export class Program {
  /** A build has no clock that can be set. */
  readonly canSetClock: boolean;
  readonly #folder: string;
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;

  /** @param marker an entry of the environment */
  constructor(folder: string, marker: string) {
    this.#folder = folder;
    const [name = "", value = ""] = marker.split("=");
    this.#env = { [name]: value, TORTURE_CLOCK: this.#clock, NO_COLOR: "1" };
    const built = Deno.env.get("QUEUECTL_BIN");
    this.canSetClock = !built;
    this.#program = built ? Deno.realPathSync(built) : Deno.execPath();
    this.#args = built ? [] : this.#prepare();
  }

  // Beside the program's code, which workers may read: they may read little else.
  get #clock(): string {
    return `${this.#folder}/program/offset`;
  }

  /**
   * A copy of the program, behind a clock that can be set. What is edited meanwhile does not
   * matter.
   */
  #prepare(): string[] {
    const folder = `${this.#folder}/program`;
    copySources(folder);
    Deno.copyFileSync(`${root}main.ts`, `${folder}/queuectl.ts`);
    Deno.copyFileSync(`${root}scripts/torture/clock.ts`, `${folder}/clock.ts`);
    Deno.writeTextFileSync(`${folder}/main.ts`, 'import "./clock.ts";\nimport "./queuectl.ts";\n');
    return [
      "run",
      // Packages that are loaded when they are needed may not be in the cache yet.
      "--no-check",
      `--config=${folder}/deno.json`,
      ...PERMISSION_FLAGS,
      `${folder}/main.ts`,
    ];
  }

  /** Sets the clock of all processes of the program. */
  setClock(offset: number): void {
    Deno.writeTextFileSync(`${this.#folder}/clock`, String(offset));
    Deno.renameSync(`${this.#folder}/clock`, this.#clock);
  }

  /** Calls the program. What it says goes to `log`, if given, and else to the result. */
  start(args: readonly string[], { log, input, dataDir, within = [] }: Call = {}): Running {
    const options = {
      env: { ...this.#env, QUEUECTL_DATA_DIR: dataDir ?? `${this.#folder}/data` },
      cwd: `${this.#folder}/work`,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    } as const;
    const [program = "", ...words] = [...within, this.#program, ...this.#args, ...args];
    const command = log === undefined
      ? new Deno.Command(program, { ...options, args: words })
      : new Deno.Command("/bin/sh", {
        ...options,
        args: ["-c", 'exec "$@" >>"$0" 2>&1', log, program, ...words],
      });
    const child = command.spawn();
    const writer = child.stdin.getWriter();
    const written = writer.write(new TextEncoder().encode(input ?? "")).then(() => writer.close());
    const decoder = new TextDecoder();
    const ended = Promise.all([child.output(), written.catch(() => {})]).then(([output]) => ({
      args,
      code: output.signal === null ? output.code : null,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    }));
    return { pid: child.pid, ended };
  }
}

/** Copies what the program is made of: what is edited meanwhile does not matter. */
export function copySources(folder: string): void {
  Deno.mkdirSync(`${folder}/page`, { recursive: true });
  copyTree(`${root}src`, `${folder}/src`);
  // deno.json names page/ as a member of the workspace, so that has to be one.
  for (const name of ["deno.json", "deno.lock", "page/deno.json"]) {
    Deno.copyFileSync(`${root}${name}`, `${folder}/${name}`);
  }
}

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
