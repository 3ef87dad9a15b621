// The composition root: the real world, run(), the exit code; nothing else.
import type { Context, DataFolder } from "./src/cli/context.ts";
import { run } from "./src/cli/run.ts";
import { diskFiles, readBytes } from "./src/system/file_system.ts";
import { InputStream, OutputStream } from "./src/system/terminal.ts";
import { VERSION } from "./src/version.ts";

const notBuilt = () => Promise.reject(new Error("not built yet"));

const folder: DataFolder = {
  openStore: async () =>
    new (await (import(String("./src/stores/memory/store.ts")) as Promise<
      typeof import("./src/stores/memory/store.ts")
    >)).MemoryStore(),
  logPath: (dataDir, id, attempt) =>
    Promise.resolve(`${dataDir}/jobs/${id.slice(0, 2)}/${id}.${attempt}.log`),
  liveWorkers: () => Promise.resolve([]),
  requestCancel: notBuilt,
  backup: notBuilt,
  restore: notBuilt,
  check: notBuilt,
};

const context: Context = {
  args: Deno.args,
  version: VERSION,
  os: Deno.build.os,
  cwd: () => Deno.cwd(),
  env: (name) => Deno.env.get(name),
  userId: () => Deno.uid(),
  stdout: new OutputStream(Deno.stdout),
  stderr: new OutputStream(Deno.stderr),
  stdin: new InputStream(),
  now: () => Date.now(),
  newId: () => crypto.randomUUID(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  files: diskFiles,
  readBytes,
  readAllBytes: (path) => Deno.readFileSync(path),
  folder,
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
