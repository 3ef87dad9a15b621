// graphile-worker keeps nothing of a job that has succeeded: no output, no row.
import { jobs, library, main, run, url } from "./peer.mjs";

const { Logger, makeWorkerUtils, runOnce } = library("graphile-worker");

const logger = new Logger(() => () => {});

await main({
  async fill() {
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    await utils.migrate();
    await utils.addJobs(Array(jobs).fill({ identifier: "shell", payload: { command: "true" } }));
    await utils.release();
  },
  async work() {
    const worker = {
      connectionString: url,
      logger,
      concurrentJobs: 1,
      maxPoolSize: 2,
      // As its page on performance recommends it for many short jobs.
      ...jobs > 1 && {
        localQueue: { size: jobs },
        completeJobBatchDelay: 25,
        failJobBatchDelay: 25,
      },
    };
    const taskList = { shell: async ({ command }) => void await run(command) };
    await runOnce({ preset: { worker }, taskList });
  },
  async left() {
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    return await utils.withPgClient(async (client) => {
      const { rows } = await client.query("select count(*) from graphile_worker.jobs");
      return rows[0].count;
    });
  },
});
