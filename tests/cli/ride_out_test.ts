// What commands that wait for a job do while the server is away.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { World } from "../support/world.ts";

const AWAY = "queuectl: Cannot reach it; waiting until it is back\n";

/** A world with a job that runs, whose server is away; `back` ends that. */
async function worldAway(): Promise<{ world: World; back: () => void }> {
  const world = new World();
  await world.enqueue("--job-id", "a", "x");
  await world.claim();
  world.files.write(world.logPath("a", 1), "said\n");
  const get = world.store.get.bind(world.store);
  let asked = 0;
  world.store.get = async (id) => {
    // It was there at first.
    if (++asked > 1) throw new QueueError("unavailable", "Cannot reach it");
    return await get(id);
  };
  return { world, back: () => void (world.store.get = get) };
}

for (const words of [["job", "wait", "a"], ["job", "logs", "--follow", "a"]]) {
  Deno.test(`${words.join(" ")} waits for the server, too, and says so once`, async () => {
    const { world, back } = await worldAway();
    const steps = [() => {}, () => {}, back, () => world.end("a")];
    world.meanwhile = async () => void await steps.shift()?.();
    const { code, out, err } = await world.run(...words);
    assertEquals([code, err], [0, AWAY]);
    assertEquals(out, words.includes("wait") ? "a completed\n" : "said\n");
  });
}

Deno.test("job wait --timeout holds also while the server is away", async () => {
  const { world } = await worldAway();
  const { code, err } = await world.run("job", "wait", "--timeout", "5", "a");
  assertEquals(code, 1);
  assertStringIncludes(err, `${AWAY}queuectl: Cannot reach it\n`);
});

Deno.test("enqueue --follow can be interrupted while the server is away", async () => {
  const world = new World();
  const steps = [
    () => world.claim(),
    () => {
      world.store.get = () => Promise.reject(new QueueError("unavailable", "Cannot reach it"));
    },
    () => world.interrupt(),
  ];
  world.meanwhile = async () => void await steps.shift()?.();
  const { code, err } = await world.run("enqueue", "--follow", "--job-id", "a", "x");
  assertEquals(code, 130);
  assertStringIncludes(err, AWAY);
  assertStringIncludes(err, 'stopped following, but job "a" goes on');
});
