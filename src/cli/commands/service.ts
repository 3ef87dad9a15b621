// queuectl service: has systemd or launchd keep `start` running.
import type { CommandContext } from "../command_context.ts";
import { type ServiceAction, serviceCommand } from "../service/service.ts";
import { serviceEffects } from "../service/service_effects.ts";
import { storeLocation } from "../store_location.ts";

export async function printCommand(call: CommandContext): Promise<void> {
  await service(call, "print", call.flags.number("count"));
}

export async function installCommand(call: CommandContext): Promise<void> {
  await service(call, "install", call.flags.number("count"));
}

export async function uninstallCommand(call: CommandContext): Promise<void> {
  await service(call, "uninstall", undefined);
}

async function service(
  call: CommandContext,
  action: ServiceAction,
  count: number | undefined,
): Promise<void> {
  // Named in full, since the service has neither this folder nor this shell's environment.
  const store = storeLocation(call.context, call.flags);
  const lines = await serviceCommand(
    action,
    { count, store },
    serviceEffects((line) => call.say(line)),
  );
  call.print(`${lines.join("\n")}\n`);
}
