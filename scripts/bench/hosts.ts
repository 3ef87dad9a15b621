// Hosts that have nothing to do: what their workers cost the server that they share.
import { pause } from "../../src/exec/timer.ts";
import type { Bench } from "./bench.ts";
import { atMost, plainRow, type Row } from "./figures.ts";
import { type Running, until } from "./ground.ts";
import { Queue } from "./queue.ts";
import { onServers, type Server } from "./server.ts";

/** Seconds in which workers settle down. */
const SETTLE = 10;
/** How often the connections are counted meanwhile. */
const LOOKS = 6;

/** The CPU time of each server, as a share of one core, and its connections. */
export async function hosts(bench: Bench): Promise<Row[]> {
  return await onServers((server) => idleHosts(bench, server));
}

async function idleHosts(bench: Bench, server: Server): Promise<Row[]> {
  const [count, each] = [bench.pick(20, 3), bench.pick(10, 2)];
  const seconds = bench.pick(60, 8);
  const queue = new Queue(bench.ground, `hosts-${server.name}`, await server.newPlace());
  const all = count * each;
  const starts: Running[] = [];
  try {
    // The first makes what all of them need.
    await queue.fill(1);
    for (let n = 1; n <= count; n++) {
      bench.say(`${server.name}: host ${n}`);
      starts.push(startHost(bench, queue, n, each));
      // One after the other: two hundred programs that start at once take minutes.
      await until(
        async () => {
          await pause(1000);
          return await workersOf(queue) === n * each;
        },
        `${n} hosts are there`,
        300,
      );
    }
    await pause(SETTLE * 1000);
    const [before, begin] = [await server.cpu(), performance.now()];
    const connections: number[] = [];
    // Seldom, since it costs the server a connection.
    for (let look = 0; look < LOOKS; look++) {
      await pause(seconds / LOOKS * 1000);
      connections.push(await server.connections());
    }
    const used = await server.cpu() - before;
    const share = used / ((performance.now() - begin) / 1000) * 100;
    const what = `${server.name}: ${all} idle workers on ${count} hosts`;
    return [
      plainRow({
        what: `${what}, the server's CPU time`,
        unit: "%",
        values: [share],
        target: atMost(5, "value"),
      }),
      plainRow({
        what: `${what}, connections, the most`,
        unit: "connections",
        values: connections,
        value: Math.max(...connections),
        target: atMost(60, "value"),
      }),
    ];
  } finally {
    await Promise.all(starts.map((start) => start.end()));
  }
}

/** A host is what has a folder of its own for what belongs to it. */
function startHost(bench: Bench, queue: Queue, n: number, count: number): Running {
  const state = `XDG_STATE_HOME=${queue.folder}/host-${n}`;
  return bench.ground.start(["env", state, ...queue.words("start", `--count=${count}`)]);
}

async function workersOf(queue: Queue): Promise<number> {
  const { stdout } = await queue.call(["status", "--json"]);
  return JSON.parse(stdout).workers.length;
}
