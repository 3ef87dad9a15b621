// queuectl service: lets systemd or launchd run `start`.
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
  // An absolute path, since the service has neither this current folder nor this environment.
  const { path: dataDir } = storeLocation(call.context, call.flags);
  const lines = await serviceCommand(
    action,
    { count, dataDir },
    serviceEffects((line) => call.say(line)),
  );
  call.print(`${lines.join("\n")}\n`);
}
