// Files of others in the data folder: what other programs leave anywhere, and another user's files.
import type { Faults } from "./fault.ts";

const NAMES = [".DS_Store", "stranger.txt", "stranger", "Thumbs.db", ".stranger.swp"];
const FOLDERS = ["jobs", "jobs/*", "queue/ready", "queue/ready/*", "queue/running", "queue/dead/*"];
/** An unprivileged user of most systems ("nobody"); only root can give it a file. */
const NOBODY = 65534;

/** Whether a file was put there by this fault. */
export function isStrange(path: string): boolean {
  return NAMES.some((name) => path.endsWith(`/${name}`));
}

export const STRANGERS: Faults = {
  stranger: {
    weight: 2,
    strike({ scene }, random) {
      const name = random.pick(NAMES)!;
      const [outer = "", anyOf] = random.pick(FOLDERS)!.split("/*");
      const draw = random.next();
      const isFolder = random.chance(0.2);
      const inner = anyOf === undefined ? [""] : scene.names(`${scene.dataDir}/${outer}`);
      const path = `${scene.dataDir}/${outer}/${inner[Math.floor(draw * inner.length)]}/${name}`;
      scene.damages++;
      try {
        if (isFolder) Deno.mkdirSync(path, { mode: 0o700 });
        else Deno.writeTextFileSync(path, "what is this?", { mode: 0o600 });
        const owned = Deno.uid() === 0;
        if (owned) Deno.chownSync(path, NOBODY, NOBODY);
        else Deno.chmodSync(path, 0);
        scene.did("strangers' files", `${path} ${owned ? "another user's" : "unreadable"}`);
      } catch (error) {
        // No such folder just now, or a file of that name is there.
        scene.note(`no stranger at ${path}: ${error}`);
      }
    },
  },
};
