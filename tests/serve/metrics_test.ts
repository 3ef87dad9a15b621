// Prometheus' text format: what is told, under the names that the contract has.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { counted, NOTHING } from "../../src/queue/tally.ts";
import { metricsText } from "../../src/serve/metrics.ts";
import { withApi } from "../support/api_world.ts";
import { needing } from "../support/has_program.ts";
import { anAttempt, EPOCH } from "../support/jobs.ts";
import { DATA, World } from "../support/world.ts";

const QUEUE = {
  name: "default",
  waiting: 3,
  failed: 1,
  blocked: 2,
  running: 4,
  limit: null,
  rate: null,
  paused: true,
  oldestWaitingAt: EPOCH,
};
const COUNTS = {
  pending: 2,
  blocked: 2,
  processing: 4,
  completed: 9,
  failed: 1,
  dead: 5,
  cancelled: 7,
};
const FACTS = {
  version: "1.2.3",
  counts: COUNTS,
  queues: [QUEUE],
  tally: counted(NOTHING, ...anAttempt("q", "failed", EPOCH + 300, EPOCH + 2300)),
  workers: { idle: 1, busy: 4 },
  oldestWaiting: 12.5,
};

function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

Deno.test("metricsText() tells what there is under the names of the contract", () => {
  const samples = samplesOf(metricsText(FACTS));
  for (
    const [name, value] of [
      ['queuectl_build_info{version="1.2.3"}', 1],
      ['queuectl_jobs{queue="default",state="pending"}', 2],
      ['queuectl_jobs{queue="default",state="failed"}', 1],
      ['queuectl_jobs{queue="default",state="blocked"}', 2],
      ['queuectl_jobs{queue="default",state="processing"}', 4],
      ['queuectl_jobs{queue="",state="completed"}', 9],
      ['queuectl_jobs{queue="",state="dead"}', 5],
      ['queuectl_attempts_total{queue="q",outcome="failed"}', 1],
      ['queuectl_attempts_total{queue="q",outcome="succeeded"}', 0],
      ['queuectl_job_duration_seconds_bucket{le="1"}', 0],
      ['queuectl_job_duration_seconds_bucket{le="5"}', 1],
      ['queuectl_job_duration_seconds_bucket{le="+Inf"}', 1],
      ["queuectl_job_duration_seconds_sum", 2],
      ["queuectl_job_duration_seconds_count", 1],
      ['queuectl_job_wait_seconds_bucket{le="0.1"}', 0],
      ['queuectl_job_wait_seconds_bucket{le="0.5"}', 1],
      ["queuectl_job_wait_seconds_sum", 0.3],
      ['queuectl_workers{state="idle"}', 1],
      ['queuectl_workers{state="busy"}', 4],
      ["queuectl_oldest_waiting_seconds", 12.5],
      ['queuectl_queue_paused{queue="default"}', 1],
    ] as const
  ) assertEquals(samples.get(name), value, name);
  // All states together are all jobs.
  const jobs = [...samples].filter(([name]) => name.startsWith("queuectl_jobs{"));
  const total = Object.values(COUNTS).reduce((sum, count) => sum + count);
  assertEquals(jobs.reduce((sum, [, count]) => sum + count, 0), total);
});

Deno.test("metricsText() writes labels so that no value ends them", () => {
  const text = metricsText({ ...FACTS, version: 'a"b\\c\nd' });
  assertStringIncludes(text, 'queuectl_build_info{version="a\\"b\\\\c\\nd"} 1\n');
});

Deno.test({
  ...needing(["promtool"], "promtool takes the metrics without a word"),
  async fn() {
    const child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(metricsText(FACTS)));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals([code, said], [0, ""]);
  },
});

Deno.test("queuectl metrics prints what /metrics says, and no command or id", async () => {
  const lines = (text: string) => text.split("\n").filter((line) => !line.includes("build_info"));
  await withApi(async (api) => {
    const { world } = api;
    await world.enqueue("--queue", "mail", "--job-id", "topsecretid", "rm topsecret");
    await world.dead("topsecret");
    const tallies = await world.openStore().tallies();
    await tallies.add("w1", counted(NOTHING, ...anAttempt("mail", "lost", EPOCH, EPOCH)));
    const { out, code } = await world.run("metrics");
    assertEquals(code, 0);
    assertEquals(lines(await (await api.get("/metrics")).text()), lines(out));
    assert(!out.includes("topsecret"), out);
    assertEquals(samplesOf(out).get('queuectl_attempts_total{queue="mail",outcome="lost"}'), 1);
    assertEquals(samplesOf(out).get('queuectl_jobs{queue="",state="dead"}'), 1);
    assertEquals(samplesOf(out).get('queuectl_jobs{queue="mail",state="pending"}'), 1);
  });
});

Deno.test("every command but serve drops the right to use the network before it begins", async () => {
  const world = new World();
  await world.run("status");
  await world.run("metrics");
  assertEquals(world.networkDrops, 2);
  assertEquals(world.files.info(DATA)?.kind, "folder");
  const { code, err } = await world.run("serve", "--listen", "nowhere");
  assertEquals([code, world.networkDrops], [2, 2]);
  assertStringIncludes(err, "--listen takes ADDRESS:PORT");
});
