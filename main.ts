// The composition root: makes the real context, calls run(), sets the exit code; nothing else.
import type { Context } from "./src/cli/context.ts";
import { run } from "./src/cli/run.ts";
import { openStore } from "./src/stores/open.ts";
import { diskFiles } from "./src/system/file_system.ts";
import { InputStream, OutputStream } from "./src/system/terminal.ts";

const stderr = new OutputStream(Deno.stderr);

const context: Context = {
  args: Deno.args,
  areArgsIntact: async () => await (await import("./src/system/arguments.ts")).areIntact(Deno.args),
  version: async () => (await import("./src/version.ts")).version(),
  os: Deno.build.os,
  cwd: () => Deno.cwd(),
  env: (name) => Deno.env.get(name),
  stdout: new OutputStream(Deno.stdout),
  stderr,
  stdin: new InputStream(),
  now: () => Date.now(),
  newId: () => crypto.randomUUID(),
  sleep: async (milliseconds) => await (await import("./src/system/delay.ts")).delay(milliseconds),
  files: diskFiles,
  readAllBytes: (path) => Deno.readFileSync(path),
  endOrphan: async (...args) =>
    await (await import("./src/cli/end_orphan.ts")).endOrphanOf(...args),
  openStore: (location) =>
    openStore(location, {
      files: diskFiles,
      os: Deno.build.os,
      userId: () => Deno.uid(),
      warn: (message) => stderr.write(`queuectl: ${message}\n`),
    }),
  dropNetwork: () => void Deno.permissions.revokeSync({ name: "net" }),
  onInterrupt(hear) {
    Deno.addSignalListener("SIGINT", hear);
    return { release: () => Deno.removeSignalListener("SIGINT", hear) };
  },
  onEnd(undo) {
    const end = () => {
      undo();
      Deno.exit(143);
    };
    Deno.addSignalListener("SIGTERM", end);
    return { release: () => Deno.removeSignalListener("SIGTERM", end) };
  },
};

Deno.exit(await run(context));
