// What the torture says of claims that are late or out of turn: a folder is made to look so.
import { assertEquals, assertMatch } from "@std/assert";
import { watchClaims } from "../../scripts/torture/claims.ts";
import { Scene } from "../../scripts/torture/scene.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const ignore = Deno.build.os !== "linux";
const BUCKET = "queue/ready/0";

/** Jobs in the line, the first of them first, all due long ago. */
function line(scene: Scene, ids: readonly string[]): void {
  Deno.mkdirSync(`${scene.dataDir}/${BUCKET}`, { recursive: true });
  ids.forEach((id, i) => Deno.writeTextFileSync(ticket(scene, id, i), ""));
}

function ticket(scene: Scene, id: string, i: number): string {
  return `${scene.dataDir}/${BUCKET}/1000000.170000000000${i}.1700000000000.0000000.p.${id}`;
}

function watched(
  test: (scene: Scene, worker: (name: string) => Deno.ChildProcess) => Promise<void>,
): () => Promise<void> {
  return () =>
    withTempDir(async (dir) => {
      const scene = new Scene(dir, 100);
      const ending = new AbortController();
      const watching = watchClaims(scene, ending.signal);
      const children: Deno.ChildProcess[] = [];
      const worker = (name: string) => {
        const [key = "", value = ""] = scene.marker.split("=");
        const child = new Deno.Command("sleep", { args: ["60"], env: { [key]: value } }).spawn();
        children.push(child);
        Deno.mkdirSync(`${scene.dataDir}/workers`, { recursive: true });
        Deno.writeTextFileSync(
          `${scene.dataDir}/workers/${name}.json`,
          JSON.stringify({ pid: child.pid }),
        );
        return child;
      };
      try {
        await test(scene, worker);
      } finally {
        ending.abort();
        await watching;
        scene.close();
        for (const child of children) {
          child.kill("SIGKILL");
          await child.status;
        }
      }
    });
}

/** Until the watch has looked at what there is now for longer than a claim may take. */
async function longEnough({ watched }: Scene): Promise<void> {
  const begun = performance.now();
  await waitUntil(() => performance.now() - Math.max(begun, watched.since) > 1500);
}

Deno.test({
  name: "watchClaims() tells of a due job that waits beside a free worker",
  ignore,
  fn: watched(async (scene, worker) => {
    line(scene, ["a"]);
    worker("idle");
    await waitUntil(() => scene.problems.length > 0);
    assertMatch(scene.problems.join("\n"), /^ready\/\S+\.a is due and waits for \d+ ms .* idle /);
  }),
});

Deno.test({
  name: "watchClaims() tells of no wait beside workers that are busy, stopped or asked to end",
  ignore,
  fn: watched(async (scene, worker) => {
    worker("stopped").kill("SIGSTOP");
    Deno.mkdirSync(`${scene.dataDir}/queue/running/busy`, { recursive: true });
    Deno.writeTextFileSync(`${scene.dataDir}/queue/running/busy/x`, "");
    worker("busy");
    Deno.mkdirSync(`${scene.dataDir}/control`);
    Deno.writeTextFileSync(`${scene.dataDir}/control/asked.stop-graceful`, "");
    worker("asked");
    line(scene, ["a"]);
    await longEnough(scene);
    assertEquals(scene.problems, []);
  }),
});

Deno.test({
  name: "watchClaims() tells of a job that overtakes one that has long been ready, and of no other",
  ignore,
  fn: watched(async (scene) => {
    line(scene, ["a", "b", "c"]);
    await longEnough(scene);
    const claim = async (id: string, i: number) => {
      const claims = scene.watched.claims;
      Deno.removeSync(ticket(scene, id, i));
      Deno.writeTextFileSync(`${scene.notes}/${id}`, "begin 1 1 0\n");
      await waitUntil(() => scene.watched.claims > claims);
    };
    await claim("a", 0);
    assertEquals(scene.problems, []);
    await claim("c", 2);
    assertEquals(scene.problems.length, 1);
    assertMatch(scene.problems[0]!, /\.c was claimed before ready\/\S+\.b, /);
  }),
});
