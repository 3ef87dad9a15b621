// queuectl metrics: what /metrics of `serve` would say, for a collector of text files.
import { metricsOf } from "../../serve/read_metrics.ts";
import type { CommandContext } from "../command_context.ts";

export async function metricsCommand(call: CommandContext): Promise<void> {
  const { context } = call;
  await call.withReader(async (jobs, store) => {
    const facts = { version: await context.version(), now: context.now() };
    call.print(await metricsOf(store, jobs, facts));
  });
}
