// Where hosts are tortured: a server, hosts that each reach it by a way of their own, and what is
// kept for the reckoning.
import { CutProxy } from "../../../tests/support/cut_proxy.ts";
import { copySources } from "../program.ts";
import type { TorturedServer } from "./tortured_server.ts";
import { killAllWith, type Process, processesWith } from "../../processes.ts";

const root = new URL("../../..", import.meta.url).pathname;

export interface Ended {
  /** Null if it was killed by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class TorturedHost {
  readonly marker = `TORTURE_HOST=${crypto.randomUUID()}`;
  readonly way: CutProxy;

  constructor(readonly name: string, readonly scene: HostsScene, socket: string) {
    this.way = new CutProxy(socket);
  }

  /** Starts the program. What it says goes to a file of that name, if given. */
  start(args: readonly string[], log?: string): { pid: number; ended: Promise<Ended> } {
    const [key = "", value = ""] = this.marker.split("=");
    const words = [
      "run",
      "-A",
      "--cached-only",
      "--no-check",
      `${this.scene.program}/main.ts`,
      ...args,
    ];
    const child = new Deno.Command(log === undefined ? Deno.execPath() : "/bin/sh", {
      args: log === undefined ? words : [
        "-c",
        'exec "$@" >>"$0" 2>&1',
        `${this.scene.folder}/${log}.log`,
        Deno.execPath(),
        ...words,
      ],
      cwd: this.scene.folder,
      env: {
        [key]: value,
        NO_COLOR: "1",
        QUEUECTL_STORE: this.scene.server.urlBy(this.way.port),
        XDG_STATE_HOME: `${this.scene.folder}/${this.name}`,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const decoder = new TextDecoder();
    const ended = child.output().then(({ code, signal, stdout, stderr }) => ({
      code: signal === null ? code : null,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    }));
    return { pid: child.pid, ended };
  }

  async call(...args: string[]): Promise<Ended> {
    const result = await this.start(args).ended;
    const said = result.stdout + result.stderr;
    if (BUG.test(said)) this.scene.problem(`"queuectl ${args.join(" ")}" said: ${said}`);
    return result;
  }

  /** Its processes of queuectl, without shells, guards and jobs. */
  processes(which: "start" | "worker" | "any" = "any"): Process[] {
    return processesWith(this.marker).filter(({ command }) =>
      command.includes("main.ts") && (which === "any" || command.includes(`main.ts ${which}`))
    );
  }
}

/** What nobody should ever be told. */
export const BUG = /This is a bug|Uncaught|at file:/;

export class HostsScene {
  readonly hosts: readonly TorturedHost[];
  /** Where the program is: what is edited meanwhile does not matter. */
  readonly program: string;
  /** The ids of jobs that were acknowledged, and of all that were tried. */
  readonly acknowledged = new Set<string>();
  readonly tried = new Set<string>();
  readonly cancelled = new Set<string>();
  readonly problems: string[] = [];
  readonly tally = new Map<string, number>();
  /** Whether the server is there, as far as the torture has not taken it away. */
  isUp = true;
  readonly #begun = performance.now();

  constructor(readonly folder: string, readonly server: TorturedServer, names: readonly string[]) {
    Deno.mkdirSync(`${folder}/notes`);
    this.program = `${folder}/program`;
    copySources(this.program);
    Deno.copyFileSync(`${root}main.ts`, `${this.program}/main.ts`);
    Deno.copyFileSync(`${root}scripts/torture/hosts/job.sh`, `${folder}/job.sh`);
    this.hosts = names.map((name) => new TorturedHost(name, this, server.socket));
  }

  get first(): TorturedHost {
    return this.hosts[0]!;
  }

  problem(text: string): void {
    this.problems.push(text);
    this.note(`PROBLEM ${text}`);
  }

  did(what: string, about = ""): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
    this.note(`${what} ${about}`);
  }

  note(text: string): void {
    const seconds = ((performance.now() - this.#begun) / 1000).toFixed(3);
    const line = `${seconds} ${new Date().toISOString()} ${text}\n`;
    Deno.writeTextFileSync(`${this.folder}/torture.log`, line, { append: true });
  }

  killAll(): void {
    for (const { marker } of this.hosts) killAllWith(marker);
  }

  async close(): Promise<void> {
    this.killAll();
    await Promise.all(this.hosts.map(({ way }) => way.close()));
  }
}
