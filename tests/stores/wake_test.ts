// Who waits for news while nothing can be heard.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { Wake } from "../../src/stores/shared/wake.ts";

/** A channel whose first words and listeners fail as it is told. */
function failing(errors: { listen?: QueueError; say?: QueueError }) {
  const heard = new Set<(word: string) => void>();
  return {
    heard,
    listen: (one: (word: string) => void) => {
      const error = errors.listen;
      delete errors.listen;
      if (error !== undefined) return Promise.reject(error);
      heard.add(one);
      return Promise.resolve(() => Promise.resolve(void heard.delete(one)));
    },
    say: (word: string) => {
      const error = errors.say;
      delete errors.say;
      if (error !== undefined) return Promise.reject(error);
      for (const one of heard) one(word);
      return Promise.resolve();
    },
  };
}

for (const step of ["listen", "say"] as const) {
  Deno.test(`Wake.wait() goes on when the store is away (${step}), and listens later, once`, async () => {
    const channel = failing({ [step]: new QueueError("unavailable", "away") });
    const wake = new Wake(channel);
    await wake.wait(1);
    assertEquals([wake.count, channel.heard.size], [undefined, 0]);
    await wake.wait(60_000);
    assertEquals([wake.count, channel.heard.size], [0, 1]);
    const waiting = wake.wait(60_000);
    await channel.say("");
    await waiting;
    assertEquals(wake.count, 1);
    await wake.close();
    assertEquals(channel.heard.size, 0);
  });
}

Deno.test("Wake.wait() says what trying again does not change", async () => {
  const wake = new Wake(failing({ listen: new QueueError("refused", "no right") }));
  await assertRejects(() => wake.wait(1), QueueError, "no right");
});
