// Many schedules that fall due at one moment.
import type { Schedule } from "../../src/queue/schedule.ts";
import { addSchedule } from "../../src/queue/schedule_firing.ts";
import { prepareFolder } from "../../src/stores/file/prepare_folder.ts";
import { FileSchedules } from "../../src/stores/file/schedules.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { Bench } from "./bench.ts";
import { ratioRow, type Row } from "./figures.ts";
import { until } from "./ground.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

const HOUR = 3600;
/** Milliseconds within which a `start` is there, also where there are many schedules to look at. */
const SOON = 4000;

/** Two workers, from the moment at which all are due to the end of the last of their jobs. */
export async function schedules(bench: Bench): Promise<Row[]> {
  const count = bench.pick(1000, 100);
  const samples = await inTurns(bench.rounds(5, 2), {
    fired: () => fire(bench, count),
    enqueued: async () => {
      const queue = new Queue(bench.ground, "unscheduled");
      return (await queue.drain((await queue.fill(count)).ids)).rate;
    },
  }, { told: (round) => bench.say(`schedules, round ${round + 1}`) });
  const many = count.toLocaleString("en-US");
  return [ratioRow({
    what: `${many} schedules due at once, 2 workers, until all their jobs have ended`,
    unit: "/s",
    values: samples.fired,
    yardstick: { name: "as many jobs in one batch", values: samples.enqueued },
  })];
}

async function fire(bench: Bench, count: number): Promise<number> {
  const queue = new Queue(bench.ground, "schedules");
  const { dataDir } = queue;
  Deno.mkdirSync(dataDir, { mode: 0o700 });
  await prepareFolder(dataDir, diskFiles);
  const store = new FileSchedules(dataDir, { files: diskFiles });
  // Far enough ahead that a `start` is there when they are due; made, they take their time.
  const due = Date.now() + SOON + 10 * count;
  for (let n = 0; n < count; n++) await addSchedule(store, hourly(`tick-${n}`, due), false);
  const workers = queue.start("--count=2");
  try {
    await until(async () => {
      const { jobs } = JSON.parse((await queue.call(["status", "--json"])).stdout);
      return jobs.completed === count;
    }, `${count} schedules have fired, and their jobs have ended`);
  } finally {
    await workers.end();
  }
  return await queue.withStore(async (jobs) => {
    let last = due;
    for await (const { history } of jobs.list({})) last = Math.max(last, history[0]!.endedAt);
    return count / ((last - due) / 1000);
  });
}

function hourly(name: string, due: number): Schedule {
  return {
    name,
    when: { kind: "every", seconds: HOUR },
    tz: "UTC",
    missed: "last",
    overlap: "skip",
    createdAt: due - HOUR * 1000,
    job: { command: "true", cwd: "/" },
  };
}
