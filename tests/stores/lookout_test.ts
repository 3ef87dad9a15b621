// Which of a host's idle workers look for work, and which of them rest.
import { assertEquals } from "@std/assert";
import { Lookout, lookoutFolder } from "../../src/stores/shared/lookout.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";

type Open = (restAfter?: number) => Lookout;

function lookoutTest(says: string, body: (open: Open, dir: string) => void | Promise<void>): void {
  Deno.test(says, () =>
    withTempDir(async (dir) => {
      Deno.mkdirSync(`${lookoutFolder(dir)}/locks`, { recursive: true });
      Deno.utimeSync(lookoutFolder(dir), 0, 0); // a call comes later than that
      const opened: Lookout[] = [];
      try {
        await body((restAfter = 0) => {
          opened.push(new Lookout(diskFiles, dir, restAfter));
          return opened.at(-1)!;
        }, dir);
      } finally {
        for (const lookout of opened) lookout.close();
      }
    }));
}

/** Looks, and finds nothing, until it would rest. */
function findsNothing(lookout: Lookout, queues?: readonly string[]): boolean {
  for (let looks = 0; looks < 3; looks++) if (!lookout.isResting) lookout.nothing(queues);
  return lookout.isResting;
}

lookoutTest("Lookout: of those that find nothing all but one rest", (open) => {
  const [one, two, three] = [open(), open(), open()];
  assertEquals([one, two, three].map((each) => findsNothing(each)), [false, true, true]);
  two.getUp();
  assertEquals(two.isResting, true);
});

lookoutTest("Lookout: whoever found nothing lately does not rest yet", (open) => {
  const [one, two] = [open(), open(60_000)];
  assertEquals([findsNothing(one), findsNothing(two)], [false, false]);
});

lookoutTest("Lookout: when the one that looks has a job, one of the others gets up", (open) => {
  const all = [open(), open(), open()];
  const heard: boolean[] = [];
  all[1]!.onRest((isResting) => heard.push(isResting));
  for (const each of all) findsNothing(each);
  all[0]!.found();
  for (const each of all) each.getUp();
  assertEquals(all.map(({ isResting }) => isResting), [false, false, true]);
  assertEquals(heard, [true, false]);
});

lookoutTest("Lookout: where a second one finds a job too, all get up", (open) => {
  const all = [open(), open(), open(), open()];
  for (const each of all) findsNothing(each);
  all[0]!.found();
  all[1]!.getUp();
  all[1]!.found();
  for (const each of all) each.getUp();
  assertEquals(all.map(({ isResting }) => isResting), [false, false, false, false]);
});

lookoutTest(
  "Lookout: one that has ended leaves its place; while one is stopped, another one has it",
  (open, dir) => {
    const all = [open(), open(), open(), open()];
    for (const each of all) findsNothing(each);
    const [first, second, ...others] = all;
    const lock = `${lookoutFolder(dir)}/locks/all queues`;
    const silentFor = (seconds: number) => {
      const at = new Date(Date.now() - 1000 * seconds);
      Deno.utimeSync(lock, at, at);
    };
    const getUp = (ones: readonly Lookout[]) => {
      for (const each of ones) each.getUp();
      return ones.map(({ isResting }) => isResting);
    };
    silentFor(3);
    assertEquals(getUp(all.slice(1)), [true, true, true]);
    silentFor(7);
    assertEquals(getUp(all.slice(1)), [false, true, true]);
    // It has the place for as long as it finds nothing, and says so each time it is asked.
    assertEquals(findsNothing(second!), false);
    silentFor(7);
    assertEquals(getUp(all.slice(1)), [false, true, true]);
    // One that finds a job leaves it to the next.
    second!.found();
    silentFor(7);
    assertEquals(getUp(others), [false, true]);
    // Those that look may all be stopped.
    silentFor(40);
    assertEquals(getUp([others[1]!]), [false]);
    others[1]!.nothing(undefined);
    assertEquals(others[1]!.isResting, false, "as long as they are silent nobody rests");
    first!.close();
    assertEquals(findsNothing(open()), false);
  },
);

lookoutTest(
  "Lookout: a call is heard by all, also by one that has looked before it and rests after",
  (open) => {
    const [one, two, three] = [open(), open(), open()];
    assertEquals([findsNothing(one), findsNothing(two)], [false, true]);
    three.nothing(undefined);
    one.callAll();
    three.nothing(undefined);
    assertEquals(three.isResting, false);
    two.getUp();
    assertEquals(two.isResting, false);
  },
);

lookoutTest("Lookout: those that serve other queues have a lookout of their own", (open) => {
  const [all, a, alsoA, b] = [open(), open(), open(), open()];
  assertEquals(
    [findsNothing(all), findsNothing(a, ["a"]), findsNothing(alsoA, ["a"]), findsNothing(b, ["b"])],
    [false, false, true, false],
  );
  const many = Array.from({ length: 50 }, (_, i) => `queue-${i}`);
  assertEquals([findsNothing(open(), many), findsNothing(open(), many)], [false, false]);
});

lookoutTest("Lookout: wait() ends when the place is free", async (open) => {
  const [one, two] = [open(), open()];
  await Promise.all([one, two].map((each) => each.wait(0)));
  assertEquals([findsNothing(one), findsNothing(two)], [false, true]);
  const waiting = two.wait(60_000);
  one.found();
  await waiting;
  two.getUp();
  assertEquals(two.isResting, false);
});

lookoutTest("Lookout: without its folder nobody rests, and nothing fails", (open, dir) => {
  const [one, two] = [open(), open()];
  Deno.removeSync(lookoutFolder(dir), { recursive: true });
  assertEquals([findsNothing(one), findsNothing(two)], [false, false]);
  one.found();
  one.callAll();
});
