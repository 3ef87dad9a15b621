// What else runs commands in the background on this machine, and how fast: `true` by `sh -c`, two
// at a time.
import type { Ground } from "./ground.ts";

/** A peer's jobs a second, and its CPU seconds a job where that can be told. */
export interface Pace {
  readonly rate: number;
  readonly cpu: number;
}

/** Runs `count` jobs. */
export type Peer = (ground: Ground, count: number) => Promise<Pace>;

/**
 * The yardstick: it is on every system, it keeps nothing, and it forks and waits in the plainest
 * way.
 */
export const xargs: Peer = async (ground, count) => {
  return await whole(ground, count, 'seq "$1" | xargs -P 2 -n 1 sh -c true');
};

/** The others by name; the name is that of the program. */
export const PEERS: Readonly<Record<string, Peer>> = {
  // Near the ceiling: it starts a job with one vfork, and keeps nothing.
  xjobs: async (ground, count) =>
    await whole(ground, count, 'yes "sh -c true" | head -n "$1" | xjobs -j 2 -v 0'),
  parallel: async (ground, count) => {
    return await whole(ground, count, 'seq "$1" | parallel --will-cite -j 2 -n 1 sh -c true');
  },
  tsp: async (ground, count) => {
    // With more than some 800 in its queue its clients wait for seconds, so in two halves.
    const halves = [Math.ceil(count / 2), Math.floor(count / 2)];
    let seconds = 0;
    for (const half of halves) seconds += await gated(ground, "tsp", TSP, half);
    return { rate: count / seconds, cpu: NaN };
  },
  nq: async (ground, count) => ({
    rate: count / await gated(ground, "nq", NQ, Math.ceil(count / 2)),
    cpu: NaN,
  }),
};

/** From typing it to its end: it keeps no times, and is ready at once. */
export async function whole(
  ground: Ground,
  count: number,
  script: string,
  ...args: string[]
): Promise<Pace> {
  const words = ["/bin/sh", "-c", script, "sh", String(count), ...args];
  const { seconds, cpu } = await ground.cost(words, { limit: 300 });
  return { rate: count / seconds, cpu: cpu / count };
}

/** Beanstalkd, in memory, with two workers in Python: it keeps neither output nor history. */
export const beanstalkd: Peer = async (ground, count) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  listener.close();
  const server = ground.start(["beanstalkd", "-l", "127.0.0.1", "-p", port]);
  try {
    await ground.run(["python3", "-c", PRODUCER, port, String(count)]);
    const { seconds, cpu } = await ground.cost([
      ...["/bin/sh", "-c", 'python3 -c "$1" "$2" & python3 -c "$1" "$2"; wait', "sh"],
      ...[CONSUMER, port],
    ]);
    return { rate: count / seconds, cpu: cpu / count };
  } finally {
    await server.end();
  }
};

const CONNECT = `
import socket, subprocess, sys, time
for _ in range(500):
    try:
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
file = connection.makefile("rwb")
def ask(words, body=None):
    file.write(words + b"\\r\\n" + (b"" if body is None else body + b"\\r\\n"))
    file.flush()
    return file.readline().split()
`;

const PRODUCER = CONNECT + `
for _ in range(int(sys.argv[2])):
    assert ask(b"put 0 0 300 4", b"true")[0] == b"INSERTED"
`;

const CONSUMER = CONNECT + `
while True:
    answer = ask(b"reserve-with-timeout 0")
    if answer[0] != b"RESERVED":
        break
    command = file.read(int(answer[2]) + 2)[:-2]
    subprocess.run(["sh", "-c", command], check=True)
    assert ask(b"delete " + answer[1])[0] == b"DELETED"
`;

/**
 * For those who begin with a job as soon as they have it: all wait behind jobs that wait for a gate
 * to open, so that what is measured is running, not enqueueing. The scripts print when the gate
 * opened, and when all were done.
 */
async function gated(ground: Ground, name: string, script: string, count: number): Promise<number> {
  const { stdout } = await ground.shell(script, [ground.newFolder(name), String(count)], {
    limit: 300,
  });
  const [opened, done] = stdout.trim().split("\n").map(Number);
  return (done! - opened!) / 1e9;
}

const TSP = `
  cd "$1" && mkfifo a b && export TMPDIR="$1" TS_SOCKET="$1/socket"
  tsp -S 2
  { tsp sh -c 'read -r _ <a'; tsp sh -c 'read -r _ <b'; } >/dev/null
  i=0; while [ $i -lt "$2" ]; do tsp sh -c true; i=$((i+1)); done >/dev/null
  date +%s%N; echo >a; echo >b; tsp -w; date +%s%N
  tsp -K`;

// It runs one at a time in each folder, so two folders.
const NQ = `
  cd "$1" && mkfifo a b
  for lane in a b; do
    export NQDIR="$1/lane-$lane"
    nq -q sh -c "read -r _ <$lane"
    i=0; while [ $i -lt "$2" ]; do nq -q sh -c true; i=$((i+1)); done
  done
  date +%s%N; echo >a; echo >b
  NQDIR="$1/lane-a" nq -w & NQDIR="$1/lane-b" nq -w; wait; date +%s%N`;
