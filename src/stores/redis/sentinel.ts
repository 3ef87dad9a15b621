// Which server has the queue, where Sentinels watch over it: they say so, and the queue is not theirs.
import { QueueError } from "../../queue/errors.ts";
import { ErrorReply, type Wire } from "./driver.ts";
import type { Greeting } from "./greeting.ts";
import type { Address } from "./socket.ts";

/** What a Sentinel says. */
export interface Watched {
  readonly master: Address;
  /** All that it knows, itself first. */
  readonly sentinels: readonly Address[];
}

/**
 * Asks the Sentinel at `from` for the master that is called `watched`. Without a password first, since
 * the server's need not be that of its Sentinels.
 * @throws QueueError `refused`
 */
export async function askSentinel(
  wire: Wire,
  from: Address,
  watched: string,
  { name, user, password }: Greeting,
): Promise<Watched> {
  const ask = (what: string) => wire.ask(["SENTINEL", what, watched]);
  const askMaster = () => ask("GET-MASTER-ADDR-BY-NAME") as Promise<[string, string] | null>;
  const place = await askMaster().catch(async (error) => {
    if (error instanceof ErrorReply && /unknown command/i.test(error.message)) {
      throw new QueueError("refused", `Cannot use ${name}: it is not a Sentinel`, {
        hint: "Leave sentinel=NAME out of the URL",
        cause: error,
      });
    }
    const wants = error instanceof ErrorReply && error.word === "NOAUTH";
    if (!wants || password === undefined) throw error;
    await wire.ask(["AUTH", user ?? "default", password]);
    return await askMaster();
  });
  if (place === null) {
    throw new QueueError("refused", `Cannot use ${name}: it watches no master "${watched}"`, {
      hint: "sentinel=NAME in the URL is as in its configuration: sentinel monitor NAME",
    });
  }
  // Pairs of a name and a value, one after the other, for each Sentinel.
  const others = await ask("SENTINELS") as string[][];
  const valueOf = (pairs: string[], key: string) => pairs[pairs.indexOf(key) + 1]!;
  const at = (host: string, port: string): Address => ({ ...from, host, port: Number(port) });
  return {
    master: at(...place),
    sentinels: [from, ...others.map((one) => at(valueOf(one, "ip"), valueOf(one, "port")))],
  };
}
