// What a run that succeeded printed is in its log, whole, whoever followed it to its end.
import { logPath } from "../../../src/stores/file/layout.ts";
import type { Facts } from "./facts.ts";

export function checkLogs(facts: Facts): void {
  const { scene, ledger, jobs } = facts;
  const wrong = (text: string) => facts.broken("logs are whole", text);
  for (const [key, job] of jobs) {
    if (ledger.damaged.has(job.id)) continue;
    const life = key.split("#")[1] ?? "0";
    for (const { attempt, outcome } of job.history) {
      if (outcome !== "succeeded") continue;
      const path = logPath(scene.dataDir, job.id, attempt);
      let text: string;
      try {
        text = Deno.readTextFileSync(path);
      } catch {
        wrong(`the log of attempt ${attempt} of job ${job.id} is missing`);
        continue;
      }
      const words = `${job.id} ${attempt} ${life}\n`;
      const isWhole = text.startsWith(`begin ${words}`) && text.endsWith(`end ${words}`);
      if (
        !isWhole && !/\n\[queuectl: log capped at \d+ bytes; the rest was dropped\]\n/.test(text)
      ) {
        wrong(`the log of attempt ${attempt} of job ${job.id} is not whole: ${path}`);
      }
    }
  }
}
