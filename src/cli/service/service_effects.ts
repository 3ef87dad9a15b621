// The effects of `queuectl service` on the real machine.
import { folderOf } from "../../system/paths.ts";
import { selfCommand } from "../../system/self.ts";
import type { ServiceEffects } from "./service.ts";

/** The real effects. @param say where progress goes */
export function serviceEffects(say: (line: string) => void): ServiceEffects {
  return {
    os: Deno.build.os,
    env: (name) => Deno.env.get(name),
    userId: () => Deno.uid(),
    self: () => selfCommand(),
    realPath: (path) => unlessMissing(() => Deno.realPathSync(path)),
    read: (path) => unlessMissing(() => Deno.readTextFileSync(path)),
    write(path, text) {
      Deno.mkdirSync(folderOf(path), { recursive: true });
      const partial = `${path}.partial`;
      Deno.writeTextFileSync(partial, text);
      Deno.renameSync(partial, path);
    },
    remove: (path) => Deno.removeSync(path),
    async run(program, args) {
      const { code, stderr } = await new Deno.Command(program, {
        args: [...args],
        stdin: "null",
        stdout: "null",
      })
        .output();
      return { code, stderr: new TextDecoder().decode(stderr) };
    },
    say,
  };
}

function unlessMissing<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
