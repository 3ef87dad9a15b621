// Demonstrates the program on real work, by `deno task demo [--keep]`: about thirty jobs in a
// folder of its own, four workers, and what happens to jobs that fail. Each command is shown and
// run as typed. The result is checked: the exit code is 1 if it is wrong.
import { paintFor } from "../src/view/style.ts";
import { cleanEnvironment, putOnPath, sources } from "./on_path.ts";

const PARTS = 12;
const PART_BYTES = 256 * 1024;

interface JobJson {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly history: readonly {
    readonly outcome: string;
    readonly exit_code: number | null;
    readonly started_at: string;
    readonly ended_at: string;
  }[];
}

const out = new TextEncoder();
const paint = paintFor({ isTerminal: Deno.stdout.isTerminal() }, (name) => Deno.env.get(name));
const print = (text: string) => void Deno.stdout.writeSync(out.encode(text));

let interrupted = false;

/** A failure of the demo, reported in one line. */
class Failure extends Error {}

class Demo {
  readonly #folder: string;
  readonly #env: Record<string, string>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#env = cleanEnvironment({ PATH: `${folder}/bin:${Deno.env.get("PATH") ?? ""}` });
  }

  async run(): Promise<void> {
    this.#makeData();
    this.#say(
      "A folder of our own. A queuectl_data in the current folder is used instead of the one in your home.",
    );
    await this.#type("mkdir queuectl_data sums packed");
    this.#say(
      "A retry waits backoff_base to the power n seconds. 1 keeps this short; the default is 2.",
    );
    await this.#type("queuectl config --key backoff_base --value 1");
    this.#say(
      "One job a line: a shell command, or JSON where it needs options. Another one, in front of all of them.",
    );
    await this.#type("tail -n 7 jobs.txt");
    await this.#type("queuectl enqueue --file jobs.txt | wc -l");
    await this.#type("queuectl enqueue --job-id urgent --priority 10 'ls data | wc -l'");
    this.#say(
      "Four workers, until nothing is left to do. The job that is to run in an hour is not waited for.",
    );
    await this.#type("queuectl start --count 4 --drain");
    await this.#type("queuectl status");
    await this.#type("queuectl list");
    this.#say("The job that failed twice: every attempt, and what the last one printed.");
    await this.#type("queuectl job show flaky");
    this.#say(
      "Two have failed for good. They wait in the dead letter queue for somebody to look at them.",
    );
    await this.#type("queuectl dlq list");
    await this.#type("queuectl job logs missing");
    this.#say("The file arrives; the job gets another chance.");
    await this.#checkFirstRun();
    await this.#type("gzip -c data/part-01 > arrives-late.gz");
    await this.#type("queuectl dlq retry missing");
    this.#say("A small workflow: the report waits for both of its parts.");
    await this.#type("queuectl enqueue --job-id left 'wc -c < data/part-01 > left'");
    await this.#type("queuectl enqueue --job-id right 'wc -c < data/part-02 > right'");
    await this.#type("queuectl enqueue --job-id report --after left,right 'cat left right'");
    await this.#type("queuectl job tree report");
    this.#say("And a schedule. It fires while queuectl start runs.");
    await this.#type("queuectl schedule add sweep --cron '30 2 * * *' 'rm -f packed/*.tmp'");
    await this.#type("queuectl schedule next sweep --count 2");
    await this.#type("queuectl start --drain");
    await this.#type("queuectl job logs report");
    await this.#type("queuectl job history missing");
    await this.#type("queuectl storage check");
    await this.#checkEnd();
  }

  /** Files that look like text, so that they can be compressed, and the batch. */
  #makeData(): void {
    for (const name of ["bin", "data"]) Deno.mkdirSync(`${this.#folder}/${name}`);
    putOnPath(`${this.#folder}/bin`, sources());
    const letters = out.encode("etaoin shrdlu\n");
    for (const part of parts()) {
      const bytes = crypto.getRandomValues(new Uint8Array(65_536));
      const text = Uint8Array.from(
        { length: PART_BYTES },
        (_, i) => letters[bytes[i % 65_536]! % letters.length]!,
      );
      Deno.writeFileSync(`${this.#folder}/data/${part}`, text);
    }
    const lines = [
      "# checksums",
      ...parts().map((part) => `cksum data/${part} > sums/${part}`),
      "# compression",
      ...parts().map((part) => `gzip -9 -c data/${part} > packed/${part}.gz`),
      "# with options",
      ...[
        {
          id: "flaky",
          command:
            `test "$QUEUECTL_ATTEMPT" -ge 3 || { echo "no answer yet"; exit 75; }; echo "got it"`,
        },
        { id: "missing", command: "gzip -t arrives-late.gz && echo whole", max_retries: 1 },
        { id: "slow", command: "sleep 60", timeout: 1, max_retries: 0 },
        { id: "later", command: "cat sums/* | sort -n > sums.txt", delay: "1h" },
      ].map((order) => JSON.stringify(order)),
      "# and an ordinary one",
      "du -k data packed",
    ];
    Deno.writeTextFileSync(`${this.#folder}/jobs.txt`, lines.join("\n") + "\n");
  }

  #say(text: string): void {
    print(`\n${paint(`# ${text}`, "dim")}\n`);
  }

  /** Shows a command and runs it with our output. */
  async #type(command: string): Promise<void> {
    print(`${paint("$", "dim")} ${paint(command, "bold")}\n`);
    const { code } = await this.#shell(command, "inherit").status;
    if (interrupted) throw new Failure("it was interrupted");
    if (code !== 0) throw new Failure(`exit code ${code}: ${command}`);
  }

  #shell(command: string, stdout: "inherit" | "piped"): Deno.ChildProcess {
    return new Deno.Command("/bin/sh", {
      args: ["-c", command],
      cwd: this.#folder,
      clearEnv: true,
      env: this.#env,
      stdin: "null",
      stdout,
      stderr: "inherit",
    }).spawn();
  }

  async #ask(command: string): Promise<string> {
    const { code, stdout } = await this.#shell(command, "piped").output();
    if (code !== 0) throw new Failure(`exit code ${code}: ${command}`);
    return new TextDecoder().decode(stdout);
  }

  async #job(id: string): Promise<JobJson> {
    return JSON.parse(await this.#ask(`queuectl job show ${id} --json`));
  }

  async #counts(): Promise<Record<string, number>> {
    return JSON.parse(await this.#ask("queuectl status --json")).jobs;
  }

  async #checkFirstRun(): Promise<void> {
    expectCounts(await this.#counts(), { pending: 1, completed: 2 * PARTS + 3, dead: 2 });
    const slow = await this.#job("slow");
    expect(
      "how the slow job ended",
      slow.history.map(({ outcome }) => outcome).join(),
      "timed_out",
    );
    const flaky = await this.#job("flaky");
    expect(
      "attempts of the flaky job",
      flaky.history.map(({ exit_code }) => exit_code).join(),
      "75,75,0",
    );
    expect("its state", flaky.state, "completed");
    // Four workers start at the same moment, so it is among their first jobs.
    const jobs: JobJson[] = JSON.parse(await this.#ask("queuectl list --json"));
    const starts = await Promise.all(
      jobs.map(async ({ id }) => (await this.#job(id)).history[0]?.started_at ?? "9"),
    );
    const urgent = (await this.#job("urgent")).history[0]!.started_at;
    const earlier = starts.filter((start) => start < urgent).length;
    if (earlier > 3) throw new Failure(`the urgent job began after ${earlier} others`);
  }

  async #checkEnd(): Promise<void> {
    expectCounts(await this.#counts(), { pending: 1, completed: 2 * PARTS + 7, dead: 1 });
    const missing = await this.#job("missing");
    expect("attempts of the job that was retried", missing.attempts, 3);
    const [left, right, report] = [
      await this.#job("left"),
      await this.#job("right"),
      await this.#job("report"),
    ];
    const ends = [left, right].map(({ history }) => history[0]!.ended_at);
    const isAfter = ends.every((end) => end <= report.history[0]!.started_at);
    expect("whether the report waited for its parts", isAfter, true);
    for (const part of parts()) {
      const sum = await this.#ask(`cat sums/${part}`);
      const unpacked = await this.#ask(`gzip -dc packed/${part}.gz | cksum`);
      expect(
        `the checksum of ${part}, packed and unpacked`,
        unpacked.trim(),
        sum.replace(/ data\/.*\n/, ""),
      );
    }
  }
}

function parts(): string[] {
  return Array.from({ length: PARTS }, (_, i) => `part-${String(i + 1).padStart(2, "0")}`);
}

function expectCounts(counts: Record<string, number>, wanted: Record<string, number>): void {
  for (const [state, count] of Object.entries(counts)) {
    expect(`jobs that are ${state}`, count, wanted[state] ?? 0);
  }
}

function expect(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Failure(`${what}: ${found}, not ${wanted}`);
}

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  if (Deno.build.os === "windows") {
    print("The demo needs a POSIX shell, which Windows does not have.\n");
    return 1;
  }
  const folder = Deno.makeTempDirSync({ prefix: "queuectl-demo-" });
  // Ctrl-C also reaches the running command. When that ends, the demo ends too, and cleans up.
  Deno.addSignalListener("SIGINT", () => interrupted = true);
  const begin = performance.now();
  try {
    await new Demo(folder).run();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    print(`\n${paint("The demo ended as it should", "green")}, after ${seconds} s.\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    print(`\n${paint("The demo did not end as it should", "red")}: ${error.message}\n`);
    return 1;
  } finally {
    if (args.includes("--keep")) print(`It is all in ${folder}\n`);
    else Deno.removeSync(folder, { recursive: true });
  }
}

Deno.exit(await main(Deno.args));
