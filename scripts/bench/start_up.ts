// How long a command takes that is typed: beside an empty script on an empty queue, and on large
// queues beside an empty one.
import type { Bench } from "./bench.ts";
import { atMost, ratioRow, type Row } from "./figures.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

type Command = "enqueue" | "status" | "list --limit 20" | "job show";

/** Commands on an empty queue, beside a program that does nothing. */
export async function startUp(bench: Bench): Promise<Row[]> {
  const { ground } = bench;
  const empty = `${ground.newFolder("empty")}/empty.ts`;
  Deno.writeTextFileSync(empty, "");
  const commands = await emptyQueue(bench);
  const samples = await inTurns(bench.rounds(40, 10), {
    empty: async () => (await ground.run([Deno.execPath(), "run", empty])).seconds * 1000,
    ...commands,
  }, { warmUp: true });
  const yardstick = { name: "empty deno run", values: samples.empty };
  return (Object.keys(commands) as Command[]).map((command) =>
    ratioRow({
      what: command === "enqueue" ? "enqueue one job, synced" : `${command}, empty queue`,
      unit: "ms",
      values: samples[command],
      yardstick,
      target: atMost(command === "enqueue" ? 1.35 : 1.4),
    })
  );
}

/** The same commands where many jobs wait, or many are done. */
export async function grown(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of bench.sizes) {
    const [waiting, done] = [await bench.waiting(size), await bench.done(size)];
    const commands = {
      ...named("empty", await emptyQueue(bench)),
      ...named("waiting", commandsOn(waiting.queue, waiting.id)),
      ...named("done", commandsOn(done.queue, done.id)),
    };
    bench.say(`commands with ${size}`);
    const samples = await inTurns(bench.rounds(15, 5), commands, { warmUp: true });
    for (const command of ["enqueue", "status", "list --limit 20", "job show"] as const) {
      for (const state of ["waiting", "done"] as const) {
        rows.push(ratioRow({
          what: `${command}, ${size.toLocaleString("en-US")} jobs ${state}`,
          unit: "ms",
          values: samples[`${state} ${command}`]!,
          yardstick: { name: "empty queue", values: samples[`empty ${command}`]! },
          target: atMost(size > 100_000 ? 3 : 1.5),
        }));
      }
    }
  }
  return rows;
}

type Timed = Record<Command, () => Promise<number>>;

/** Each command on a queue as empty as it can be: to be shown, a job has to be there. */
async function emptyQueue({ ground }: Bench): Promise<Timed> {
  const [filled, shown] = [new Queue(ground, "enqueue"), new Queue(ground, "show")];
  const { ids: [id] } = await shown.fill(1);
  const untouched = commandsOn(new Queue(ground, "nothing"), "");
  return {
    ...untouched,
    "enqueue": commandsOn(filled, "").enqueue,
    "job show": commandsOn(shown, id!)["job show"],
  };
}

function commandsOn(queue: Queue, id: string): Timed {
  const timed = (...args: string[]) => async () => (await queue.call(args)).seconds * 1000;
  return {
    "enqueue": timed("enqueue", "true"),
    "status": timed("status"),
    "list --limit 20": timed("list", "--limit=20"),
    "job show": timed("job", "show", id),
  };
}

function named(name: string, commands: Timed): Record<string, () => Promise<number>> {
  return Object.fromEntries(
    Object.entries(commands).map(([command, run]) => [`${name} ${command}`, run]),
  );
}
