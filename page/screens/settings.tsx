// The settings, read-only.
import { useResource } from "../resource.ts";
import { status } from "../status.ts";
import { Trouble } from "../parts/words.tsx";

const ABOUT: Readonly<Record<string, string>> = {
  max_retries: "Retries of a job, unless it says otherwise",
  backoff_base: "The wait before retry n is this to the power n, in seconds",
  backoff_max: "… and at most this",
  worker_count: "Workers of a start, unless it says otherwise",
  job_timeout: "Seconds after which an attempt is ended; 0: never",
  kill_grace: "Seconds between SIGTERM and SIGKILL",
  log_level: "How much start says",
  log_max: "Bytes that are kept of what an attempt prints; 0: all",
  keep_completed: "Seconds after which completed and cancelled jobs are removed; 0: never",
  on_completed: "Enqueued when a job has completed",
  on_dead: "Enqueued when a job has died",
  lease: "Seconds without a sign of life after which a host counts as gone",
};

export function Settings() {
  const config = useResource<Readonly<Record<string, string | number>>>("api/config");
  const at = status.value;
  return (
    <>
      <h1>Settings</h1>
      <Trouble problem={config.problem} />
      {config.data !== undefined && (
        <table class="settings">
          <thead>
            <tr>
              <th>Key</th>
              <th>Value</th>
              <th>Meaning</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(config.data).map(([key, value]) => (
              <tr key={key}>
                <td class="mono">{key}</td>
                <td class="mono">{value === "" ? "none" : String(value)}</td>
                <td class="quiet">{ABOUT[key]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="quiet">
        To change one, in a terminal: <code>queuectl config --key max_retries --value 5</code>
      </p>
      {at !== undefined && (
        <dl class="facts">
          <div>
            <dt>Store</dt>
            <dd class="mono">{at.store}</dd>
          </div>
          <div>
            <dt>Version</dt>
            <dd>{at.version}</dd>
          </div>
          <div>
            <dt>This page</dt>
            <dd>
              {at.read_only
                ? "can only look (--read-only)"
                : at.allow_enqueue
                ? "can change and enqueue jobs (--allow-enqueue)"
                : "can change jobs, but not enqueue any"}
            </dd>
          </div>
        </dl>
      )}
    </>
  );
}
