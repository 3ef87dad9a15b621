// How soon `serve` shows what a page shows first, with many jobs, and what it costs while many look.
import { pause } from "../../src/exec/timer.ts";
import type { Bench } from "./bench.ts";
import { atMost, median, plainRow, type Row } from "./figures.ts";
import { type Running, until } from "./ground.ts";
import { cpuOf } from "./proc.ts";
import { Queue } from "./queue.ts";

/** What is seen first: the counts and the list, while other figures are being asked for. */
const FIRST = ["api/status", "api/jobs?limit=50"];
const BESIDE = ["api/queues", "api/activity", "api/failures", "api/jobs?state=processing"];
const CLIENTS = 50;

export async function dashboard(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of bench.sizes) {
    const many = size.toLocaleString("en-US");
    rows.push(...await viewsOf(bench, (await bench.done(size)).queue, `${many} done`));
    rows.push(...await viewsOf(bench, (await bench.waiting(size)).queue, `${many} waiting`));
  }
  return [...rows, await listeners(bench)];
}

/** Each round is a `serve` of its own. */
async function viewsOf(bench: Bench, queue: Queue, jobs: string): Promise<Row[]> {
  bench.say(`first views of ${jobs}`);
  const [first, again, queues, metrics]: number[][] = [[], [], [], []];
  for (let round = 0; round < bench.rounds(5, 2); round++) {
    await withServe(queue, async (ask) => {
      const counted = ask("api/queues");
      first!.push(await viewOf(ask));
      queues!.push(await counted);
      await pause(2000);
      again!.push(await viewOf(ask));
      metrics!.push(await ask("metrics"));
    });
  }
  const target = atMost(300, "value");
  const row = (what: string, values: number[], limit?: typeof target) =>
    plainRow({ what: `${what}, ${jobs}`, unit: "ms", values, ...(limit && { target: limit }) });
  return [
    row("counts and list, as serve begins", first!, target),
    row("counts and list, later", again!, target),
    row("figures of queues, the first time", queues!),
    row("/metrics, later", metrics!, target),
  ];
}

/** Milliseconds until all that is seen first is there. */
async function viewOf(ask: Ask): Promise<number> {
  const beside = Promise.all(BESIDE.map(ask));
  const times = await Promise.all(FIRST.map(ask));
  await beside;
  return Math.max(...times);
}

/** The CPU time of `serve` while counts change each second and all who listen are told. */
async function listeners(bench: Bench): Promise<Row> {
  const queue = new Queue(bench.ground, "listeners");
  const seconds = bench.pick(60, 10);
  bench.say(`${CLIENTS} that listen`);
  let heard: number[] = [];
  const share = await withServe(queue, async (_, { serve, origin, headers }) => {
    heard = Array(CLIENTS).fill(0);
    const listen = async (client: number) => {
      const { body } = await fetch(`${origin}/api/events`, { headers });
      const reader = body!.getReader();
      const hear = async () => {
        for (let part; !(part = await reader.read()).done;) heard[client]! += part.value.length;
      };
      return { reader, ended: hear() };
    };
    const all = await Promise.all(heard.map((_, client) => listen(client)));
    await until(() => heard.every((bytes) => bytes > 0), "all hear");
    const [before, begin] = [cpuOf(serve.pid), performance.now()];
    while (performance.now() - begin < seconds * 1000) {
      await queue.call(["enqueue", "--delay=1d", "true"]);
      await pause(1000);
    }
    const used = (cpuOf(serve.pid) - before) / ((performance.now() - begin) / 1000) * 100;
    for (const { reader, ended } of all) {
      await reader.cancel();
      await ended;
    }
    return used;
  });
  return plainRow({
    what: `serve with ${CLIENTS} that listen, news each second`,
    unit: "%",
    values: [share],
    target: atMost(2, "value"),
    note: `${Math.round(median(heard) / seconds)} bytes a second for each`,
  });
}

/** Asks, and gives the milliseconds that the answer took. */
type Ask = (path: string) => Promise<number>;

interface Served {
  readonly serve: Running;
  readonly origin: string;
  readonly headers: Record<string, string>;
}

async function withServe<T>(
  queue: Queue,
  use: (ask: Ask, served: Served) => Promise<T>,
): Promise<T> {
  const address = freeAddress();
  const origin = `http://${address}`;
  const serve = queue.serve(`--listen=${address}`);
  try {
    await until(() => fetch(`${origin}/healthz`).then(drained, () => false), "serve answers");
    const token = (await queue.call(["serve", "--print-token", `--listen=${address}`])).stdout;
    const headers = { authorization: `Bearer ${token.trim()}` };
    const ask = async (path: string) => {
      const begin = performance.now();
      const answer = await fetch(`${origin}/${path}`, { headers });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return performance.now() - begin;
    };
    return await use(ask, { serve, origin, headers });
  } finally {
    await serve.end();
  }
}

async function drained(answer: Response): Promise<boolean> {
  await answer.body?.cancel();
  return answer.ok;
}

function freeAddress(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `127.0.0.1:${port}`;
}
