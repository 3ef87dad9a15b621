// The table of commands. Parser, help, completions and suggestions are all made from it; the module
// of a command is loaded only when the command is called.
import type { FlagKind, FlagSpec } from "./grammar/flag_spec.ts";
import type { CommandSpec } from "./grammar/spec.ts";

function toggle(name: string, about: string): FlagSpec {
  return { name, kind: "switch", about };
}

type Value = Pick<FlagSpec, "min" | "max" | "proposes">;

function option(
  name: string,
  kind: FlagKind,
  value: string,
  about: string,
  more: Value = {},
): FlagSpec {
  return { name, kind, value, about, ...more };
}

const JSON_FLAG = toggle("json", "print one JSON document");
const WORKERS = option("count", "whole", "N", "how many workers (default: worker_count)", {
  min: 1,
  max: 1024,
});
const CONFIRM = toggle("confirm", "confirm that this is wanted");
const GROUP = option("group", "text", "NAME", "all jobs that are in this group now", {
  proposes: "group",
});
/** The options of enqueue that may be changed while the job waits. */
const UPDATED = ["priority", "queue", "max-retries", "timeout", "delay", "at"];

/** The options of enqueue that a schedule can't have, and why. */
const NOT_SCHEDULED = {
  "job-id": "the id of each job is the schedule's name and the time",
  file: "a schedule makes one job at a time",
  follow: "there is no job yet",
  at: "--cron or --every says when",
  after: "another job ends only once, but a schedule makes many jobs",
  "after-any": "another job ends only once, but a schedule makes many jobs",
};
const SCHEDULE_FLAGS = [
  option("cron", "text", "PATTERN", "when it fires: minute hour day month weekday, or @daily"),
  option(
    "every",
    "duration",
    "DURATION",
    "the time between two firings, counted from now; at least 1s",
  ),
  option("tz", "text", "ZONE", "the pattern's time zone (default: the local one)", {
    proposes: "zone",
  }),
  option(
    "missed",
    "text",
    "last|skip|all",
    "what to do about times at which no start ran (default: last)",
    {
      proposes: "missed",
    },
  ),
  option(
    "overlap",
    "text",
    "skip|allow",
    "what to do while the previous job has not ended (default: skip)",
    {
      proposes: "overlap",
    },
  ),
  toggle("replace", "replace the schedule that has this name"),
];
const ENQUEUE_FLAGS = () => COMMANDS.find(({ name }) => name === "enqueue")!.flags;

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "enqueue",
    summary: "Put a shell command into the queue, and print the job's id",
    forms: ["<command>", "-- <program> [argument]...", "--file <file>"],
    args: [0, Infinity, "command"],
    programAfterDashes: true,
    flags: [
      option("max-retries", "whole", "N", "retries after a failed attempt", { max: 1000 }),
      option("timeout", "duration", "DURATION", "how long an attempt may take; 0 for no limit"),
      option("job-id", "text", "ID", "the job's id, instead of a random one"),
      option("priority", "whole", "N", "jobs with a higher priority run first (default: 0)", {
        min: -1_000_000,
        max: 1_000_000,
      }),
      option("delay", "duration", "DURATION", "run it only after this time has passed"),
      option("at", "text", "TIME", "run it only from this time on: ISO 8601, or HH:MM"),
      option("queue", "text", "NAME", "the queue it waits in (default: default)", {
        proposes: "queue",
      }),
      option("group", "text", "NAME", "a name for jobs that belong together", {
        proposes: "group",
      }),
      option("after", "text", "ID,...", "run it when these jobs have completed; repeatable", {
        proposes: "job",
      }),
      option(
        "after-any",
        "text",
        "ID,...",
        "run it when these jobs have ended in any way; repeatable",
        {
          proposes: "job",
        },
      ),
      option("start-by", "text", "WHEN", "cancel it if it has not begun by then: DURATION or TIME"),
      option("unique", "text", "KEY", "enqueue it only if no job with this key waits or runs"),
      option("cwd", "text", "DIR", "the folder to run in (default: the current one)", {
        proposes: "folder",
      }),
      option("env", "text", "KEY=VALUE", "an environment variable for the job; repeatable"),
      option("file", "text", "FILE", "many jobs, one a line; - reads standard input", {
        proposes: "file",
      }),
      toggle("follow", "print its output as it comes, and end with its exit code"),
    ],
    oneOf: [["delay", "at"], ["file", "job-id"], ["file", "follow"]],
    notes: `A line of --file is a shell command, or a JSON object with "command" and, if
wanted, "id", "priority", "cwd", "env", "max_retries", "timeout", "delay",
"run_at", "queue", "group", "after", "after_any", "unique", "start_by". Blank
lines and lines that begin with # are skipped. If any line is wrong, nothing
is enqueued. Other options that are given with --file apply to all lines that
don't say otherwise. "after" and "after_any" take a list of ids, also those of
other lines, in any order.

A job with --after is blocked until the others have completed. If one of them
dies, it goes on waiting until that one is retried and completes. If one is
cancelled or removed, it is cancelled too. With --after-any the others may end
in any way. A job that has ended already counts at once, and for good: it may
be retried or removed later.

With --unique, if a job with the same key waits or runs, nothing is enqueued:
the id of that job is printed, and the exit code is 0.

With --follow the id goes to stderr and the output to stdout, through all
attempts, and the exit code is that of the last one: 124 if it timed out, 1 if
it was cancelled. Ctrl-C stops the output, not the job.`,
    examples: [
      "queuectl enqueue 'tar czf backup.tgz ~/notes'",
      "queuectl enqueue --max-retries 5 --timeout 10m -- curl -fO https://example.org/big.iso",
      "queuectl enqueue --queue downloads --group mirror 'wget -m https://example.org'",
      "queuectl enqueue --after 3f2a --job-id report ./report.sh",
      "queuectl enqueue --unique mirror 'wget -m https://example.org'",
      "queuectl enqueue --file jobs.txt",
      "queuectl enqueue --follow make",
    ],
    load: async () =>
      (await import("./commands/enqueue.ts"))
        .enqueueCommand,
  },
  {
    name: "start",
    summary: "Run jobs until stopped",
    forms: [""],
    args: [0, 0, ""],
    flags: [
      option("count", "whole", "N", "how many workers (default: worker_count)", {
        min: 1,
        max: 1024,
      }),
      option("timeout", "duration", "DURATION", "stop when this much time has passed"),
      option("queue", "text", "NAME,...", "take jobs only from these queues (default: all)", {
        proposes: "queues",
      }),
      option("worker-name", "text", "NAME", "the name of the workers; others get -2, -3, …"),
      toggle("drain", "stop when nothing is left to do"),
      toggle("detach", "run in the background; prints the process id"),
    ],
    notes: `Stops on "queuectl stop", Ctrl-C, SIGTERM or SIGHUP: running jobs end first. A
second Ctrl-C or SIGTERM kills them; they go back to the queue. Under nohup it
goes on when the terminal closes. Exits with 1 if none of its workers can
start. With --drain it exits with 0 even if jobs died, and says how many; see
"queuectl dlq list". It does not wait for jobs in paused queues or in queues
that it does not serve, and says how many there are. With --detach it writes
to start.log in the data folder; if that has more than 5 MB when it starts, it
is renamed to start.log.1.`,
    examples: [
      "queuectl start --count 4",
      "queuectl start --queue downloads --count 2",
      "queuectl start --drain",
      "queuectl start --detach",
    ],
    load: async () => (await import("./commands/start.ts")).startCommand,
  },
  {
    name: "stop",
    summary: "Stop all workers, and wait until they have stopped",
    forms: [""],
    args: [0, 0, ""],
    flags: [
      toggle("force", "kill running jobs; they go back to the queue"),
      toggle("all-hosts", "also those of other hosts, if the queue is in a database"),
    ],
    notes: `Waits as long as the running jobs take. Exits with 1 if workers give no sign
of life for 20 seconds, for example because they are suspended. With --force
they are resumed, and killed if they don't end their jobs in time.`,
    examples: ["queuectl stop", "queuectl stop --force"],
    load: async () => (await import("./commands/stop.ts")).stopCommand,
  },
  {
    name: "status",
    summary: "Show how many jobs there are, and what the workers do",
    forms: [""],
    args: [0, 0, ""],
    flags: [
      toggle("verbose", "also show hosts, signs of life, and the system: see below"),
      JSON_FLAG,
      toggle("watch", "redraw it every second, until q or Ctrl-C"),
    ],
    oneOf: [["json", "watch"]],
    notes: `With --verbose it also shows the version, the size of the store, the job that
has been due for the longest and the one that falls due next, how many jobs
ended in the last minute, hour and day and what share of them died, the
queues, the schedules with their next times, and the settings that differ from
their default. It warns of what makes a server slow, or lets it lose jobs.`,
    examples: [
      "queuectl status",
      "queuectl status --verbose",
      "queuectl status --watch",
      "queuectl status --json",
    ],
    load: async () => (await import("./commands/status.ts")).statusCommand,
  },
  {
    name: "list",
    summary: "List jobs, newest first",
    forms: [""],
    args: [0, 0, ""],
    flags: [
      option("state", "text", "STATE,...", "only jobs in these states", { proposes: "state" }),
      option("queue", "text", "NAME", "only jobs in this queue", { proposes: "queue" }),
      option("group", "text", "NAME", "only jobs in this group", { proposes: "group" }),
      option("limit", "whole", "N", "at most this many"),
      option("command", "text", "GLOB", "only jobs whose command matches the pattern (* ? [...])"),
      option("since", "duration", "DURATION", "only jobs enqueued within this time, such as 1h"),
      toggle("verbose", "also show priority, retries, times, folder"),
      JSON_FLAG,
    ],
    notes: `The states are pending, blocked, processing, completed, failed, dead and
cancelled. On a terminal the table is cut to its width; in a pipe nothing is
cut. The queue of a job is shown if it is not "default". Values of environment
variables are never shown here: see "queuectl job show --verbose".`,
    examples: [
      "queuectl list --limit 20",
      "queuectl list --state failed,dead --since 1d",
      "queuectl list --group mirror",
      "queuectl list --command '*.mp4*'",
    ],
    load: async () => (await import("./commands/list.ts")).listCommand,
  },
  {
    name: "job show",
    summary: "Show everything about one job",
    forms: ["<id>"],
    args: [1, 1, "id"],
    proposes: "job",
    flags: [
      toggle("verbose", "also show the values of its environment variables, and hosts"),
      JSON_FLAG,
    ],
    examples: ["queuectl job show 3f2a", "queuectl job show 3f2a --json --verbose"],
    load: async () =>
      (await import("./commands/job_show.ts"))
        .showCommand,
  },
  {
    name: "job history",
    summary: "Show a job's attempts",
    forms: ["<id>"],
    args: [1, 1, "id"],
    proposes: "job",
    flags: [toggle("verbose", "also show the hosts that they ran on"), JSON_FLAG],
    examples: ["queuectl job history 3f2a"],
    load: async () =>
      (await import("./commands/job_show.ts"))
        .historyCommand,
  },
  {
    name: "job logs",
    summary: "Print what a job has printed",
    forms: ["<id>"],
    args: [1, 1, "id"],
    proposes: "job",
    flags: [
      option("attempt", "whole", "N", "the log of this attempt (default: the last)", { min: 1 }),
      toggle("follow", "go on printing until the job, or that attempt, has ended"),
    ],
    examples: [
      "queuectl job logs 3f2a",
      "queuectl job logs 3f2a --follow",
      "queuectl job logs 3f2a --attempt 1",
    ],
    load: async () =>
      (await import("./commands/job_logs.ts"))
        .logsCommand,
  },
  {
    name: "job cancel",
    summary: "Cancel jobs, also running ones",
    forms: ["<id>...", "--group <name>"],
    args: [0, Infinity, "id"],
    proposes: "unended job",
    flags: [GROUP],
    examples: ["queuectl job cancel 3f2a", "queuectl job cancel --group mirror"],
    load: async () =>
      (await import("./commands/job_cancel.ts"))
        .cancelCommand,
  },
  {
    name: "job wait",
    summary: "Wait until jobs have ended",
    forms: ["<id>...", "--group <name>"],
    args: [0, Infinity, "id"],
    proposes: "job",
    flags: [GROUP, option("timeout", "duration", "DURATION", "wait no longer than this")],
    notes: `Exits with 0 if all have completed, and with 1 if one died, was cancelled or
removed, or the time ran out.`,
    examples: [
      'queuectl job wait "$(queuectl enqueue make)" --timeout 10m',
      "queuectl job wait --group mirror",
    ],
    load: async () =>
      (await import("./commands/job_wait.ts"))
        .waitCommand,
  },
  {
    name: "job retry",
    summary: "Put ended jobs back into the queue, with all their retries",
    forms: ["<id>..."],
    args: [1, Infinity, "id"],
    proposes: "ended job",
    flags: [],
    notes: `It does not matter how they ended: completed, dead or cancelled. Their history
is kept.`,
    examples: ["queuectl job retry 3f2a"],
    load: async () => (await import("./commands/job_change.ts")).retryCommand,
  },
  {
    name: "job update",
    summary: "Change a job that waits",
    forms: ["<id>"],
    args: [1, 1, "id"],
    proposes: "waiting job",
    get flags() {
      return ENQUEUE_FLAGS().filter(({ name }) => UPDATED.includes(name))
        .map((flag) => ({ ...flag, about: flag.about.replace(/ \(default.*/, "") }));
    },
    oneOf: [["delay", "at"]],
    notes: `What is not given stays as it is. --delay counts from now. A job that is
running or has ended is refused.`,
    examples: ["queuectl job update 3f2a --priority 10", "queuectl job update 3f2a --at 18:00"],
    load: async () => (await import("./commands/job_change.ts")).updateCommand,
  },
  {
    name: "job remove",
    summary: "Remove ended jobs, with their history and logs",
    forms: ["<id>..."],
    args: [1, Infinity, "id"],
    proposes: "ended job",
    flags: [],
    examples: ["queuectl job remove 3f2a"],
    load: async () => (await import("./commands/job_change.ts")).removeCommand,
  },
  {
    name: "job tree",
    summary: "Show what a job waits for, and what waits for it",
    forms: ["<id>"],
    args: [1, 1, "id"],
    proposes: "job",
    flags: [],
    examples: ["queuectl job tree 3f2a"],
    load: async () => (await import("./commands/job_tree.ts")).treeCommand,
  },
  {
    name: "queue list",
    summary: "Show each queue: how many jobs wait and run in it, and its settings",
    forms: [""],
    args: [0, 0, ""],
    flags: [JSON_FLAG],
    notes: `A queue is listed if it has settings, or a job that has not ended. WAITING
does not count jobs that wait for other jobs. OLDEST is when the oldest
waiting job was enqueued.`,
    examples: ["queuectl queue list", "queuectl queue list --json"],
    load: async () => (await import("./commands/queue.ts")).listCommand,
  },
  {
    name: "queue set",
    summary: "Limit how many jobs of a queue run at once, or begin within some time",
    forms: ["<name> [--limit <n>] [--rate <n>/<duration>]"],
    args: [1, 1, "name"],
    proposes: "queue",
    flags: [
      option("limit", "whole", "N", "at most N jobs run at once; 0 removes the limit", {
        max: 1_000_000,
      }),
      option(
        "rate",
        "text",
        "N/DURATION",
        "at most N jobs begin within any such time; 0 removes it",
      ),
    ],
    notes: `Both apply to all workers together, from the moment when this command returns.
Running jobs go on. A rate counts from when it is set, and every attempt of a
job counts.`,
    examples: [
      "queuectl queue set encode --limit 2",
      "queuectl queue set api --rate 10/1m --limit 3",
      "queuectl queue set api --rate 0",
    ],
    load: async () => (await import("./commands/queue.ts")).setCommand,
  },
  {
    name: "queue pause",
    summary: "Let no more jobs of a queue begin; running ones go on",
    forms: ["<name>...", "--all"],
    args: [0, Infinity, "name"],
    proposes: "queue",
    flags: [toggle("all", "all queues that exist now")],
    notes: "Jobs can be enqueued as before; they wait until the queue is resumed.",
    examples: ["queuectl queue pause downloads", "queuectl queue pause --all"],
    load: async () => (await import("./commands/queue.ts")).pauseCommand,
  },
  {
    name: "queue resume",
    summary: "Let the jobs of a paused queue begin again",
    forms: ["<name>...", "--all"],
    args: [0, Infinity, "name"],
    proposes: "queue",
    flags: [toggle("all", "all paused queues")],
    examples: ["queuectl queue resume downloads", "queuectl queue resume --all"],
    load: async () => (await import("./commands/queue.ts")).resumeCommand,
  },
  {
    name: "schedule add",
    summary: "Enqueue a command again and again, by the clock",
    forms: [
      "<name> --cron '<pattern>'|--every <duration> <command>",
      "<name> --cron '<pattern>'|--every <duration> -- <program> [argument]...",
    ],
    args: [0, Infinity, "name"],
    programAfterDashes: true,
    get flags() {
      return [...SCHEDULE_FLAGS, ...ENQUEUE_FLAGS().filter(({ name }) => !(name in NOT_SCHEDULED))];
    },
    refuses: NOT_SCHEDULED,
    oneOf: [["cron", "every"]],
    notes: `A pattern is five fields as in crontab, minute hour day month weekday, with
names (MON), ranges (1-5), steps (*/15), lists (1,15) and L for the last day
of the month; or @hourly, @daily, @weekly, @monthly, @yearly. A time that is
skipped when the clocks go forward fires right afterwards, and one that is
repeated when they go back fires once; where the minute or the hour begins
with *, elapsed time counts.

It fires while any start runs, once for each time. The job's id is the name
and the time, such as backup-20261124T013000Z. If no start ran at some of its
times, because the machine was off or asleep, --missed last makes one job for
the latest of them, --missed skip makes none, and --missed all makes one for
each (the last 1000 of them), one after the other.`,
    examples: [
      "queuectl schedule add backup --cron '30 2 * * *' 'tar czf backup.tgz ~/notes'",
      "queuectl schedule add poll --every 5m --missed skip -- curl -fsS https://example.org/",
      "queuectl schedule add report --cron '0 9 * * MON-FRI' --tz Europe/Berlin ./report.sh",
    ],
    load: async () => (await import("./commands/schedule_add.ts")).addCommand,
  },
  {
    name: "schedule list",
    summary: "List the schedules, with their next and last times",
    forms: [""],
    args: [0, 0, ""],
    flags: [JSON_FLAG],
    examples: ["queuectl schedule list"],
    load: async () => (await import("./commands/schedule.ts")).listCommand,
  },
  {
    name: "schedule show",
    summary: "Show everything about one schedule",
    forms: ["<name>"],
    args: [1, 1, "name"],
    proposes: "schedule",
    flags: [toggle("verbose", "also show the values of its environment variables"), JSON_FLAG],
    examples: ["queuectl schedule show nightly"],
    load: async () => (await import("./commands/schedule.ts")).showCommand,
  },
  {
    name: "schedule next",
    summary: "Show when a schedule will fire, here and in its time zone",
    forms: ["<name>"],
    args: [1, 1, "name"],
    proposes: "schedule",
    flags: [
      option("count", "whole", "N", "how many times (default: 5)", { min: 1, max: 10_000 }),
      JSON_FLAG,
    ],
    examples: ["queuectl schedule next nightly --count 10"],
    load: async () => (await import("./commands/schedule.ts")).nextCommand,
  },
  {
    name: "schedule run",
    summary: "Enqueue a schedule's job now, in addition; prints its id",
    forms: ["<name>"],
    args: [1, 1, "name"],
    proposes: "schedule",
    flags: [],
    examples: ["queuectl schedule run nightly"],
    load: async () => (await import("./commands/schedule.ts")).runCommand,
  },
  {
    name: "schedule pause",
    summary: "Pause schedules: what falls due meanwhile is not made up for",
    forms: ["<name>..."],
    args: [1, Infinity, "name"],
    proposes: "schedule",
    flags: [],
    examples: ["queuectl schedule pause nightly"],
    load: async () => (await import("./commands/schedule.ts")).pauseCommand,
  },
  {
    name: "schedule resume",
    summary: "Resume paused schedules",
    forms: ["<name>..."],
    args: [1, Infinity, "name"],
    proposes: "schedule",
    flags: [],
    examples: ["queuectl schedule resume nightly"],
    load: async () => (await import("./commands/schedule.ts")).resumeCommand,
  },
  {
    name: "schedule remove",
    summary: "Remove schedules; the jobs that they enqueued stay",
    forms: ["<name>..."],
    args: [1, Infinity, "name"],
    proposes: "schedule",
    flags: [],
    examples: ["queuectl schedule remove nightly"],
    load: async () => (await import("./commands/schedule.ts")).removeCommand,
  },
  {
    name: "dlq list",
    summary: "List the dead jobs: those that failed and have no retry left",
    forms: [""],
    args: [0, 0, ""],
    flags: [toggle("verbose", "also show priority, retries, times, folder"), JSON_FLAG],
    examples: ["queuectl dlq list"],
    load: async () => (await import("./commands/dlq.ts")).listCommand,
  },
  {
    name: "dlq stats",
    summary: "Count the dead jobs by outcome, exit code and command",
    forms: [""],
    args: [0, 0, ""],
    flags: [JSON_FLAG],
    examples: ["queuectl dlq stats"],
    load: async () => (await import("./commands/dlq.ts")).statsCommand,
  },
  {
    name: "dlq retry",
    summary: "Put dead jobs back into the queue, with all their retries",
    forms: ["<id>...", "--all", "--filter 'command:<glob>'"],
    args: [0, Infinity, "id"],
    proposes: "dead job",
    flags: [
      toggle("all", "all dead jobs"),
      option("filter", "text", "command:GLOB", "dead jobs whose command matches the pattern"),
    ],
    oneOf: [["all", "filter"]],
    examples: ["queuectl dlq retry 3f2a", "queuectl dlq retry --filter 'command:curl *'"],
    load: async () => (await import("./commands/dlq.ts")).retryCommand,
  },
  {
    name: "dlq remove",
    summary: "Remove dead jobs, with their history and logs",
    forms: ["<id>..."],
    args: [1, Infinity, "id"],
    proposes: "dead job",
    flags: [],
    examples: ["queuectl dlq remove 3f2a"],
    load: async () => (await import("./commands/dlq.ts")).removeCommand,
  },
  {
    name: "dlq clear",
    summary: "Remove all dead jobs",
    forms: ["--confirm"],
    args: [0, 0, ""],
    flags: [CONFIRM],
    examples: ["queuectl dlq clear --confirm"],
    load: async () => (await import("./commands/dlq.ts")).clearCommand,
  },
  {
    name: "serve",
    summary: "Serve the dashboard, the JSON API and metrics",
    forms: [""],
    args: [0, 0, ""],
    flags: [
      option("listen", "text", "ADDRESS:PORT", "where to listen (default: 127.0.0.1:7878)"),
      toggle("read-only", "refuse all changes"),
      toggle(
        "allow-enqueue",
        "allow enqueueing: the token then runs commands",
      ),
      toggle("print-token", "print the token of the serve on that port"),
    ],
    oneOf: [["read-only", "allow-enqueue", "print-token"]],
    listens: true,
    notes: `Prints an address that works once, for a browser, which gets a cookie there.
Programs send the token, as "Authorization: Bearer TOKEN". It is random and kept
while serve runs, or the value of QUEUECTL_SERVE_TOKEN. An address that others
can reach needs that, or --read-only and QUEUECTL_SERVE_TOKEN=none, for all to
see. With QUEUECTL_SERVE_METRICS=public, /metrics needs no token.
QUEUECTL_SERVE_HOSTS has other host names of this server, separated by commas.

For TLS, put a proxy in front of it. /api/openapi.json describes the API.
Ctrl-C and SIGTERM end it.`,
    examples: ["queuectl serve", "queuectl serve --listen 127.0.0.1:9000 --read-only"],
    load: async () => (await import("./commands/serve.ts")).serveCommand,
  },
  {
    name: "metrics",
    summary: "Print what /metrics of serve would say, in Prometheus' text format",
    forms: [""],
    args: [0, 0, ""],
    flags: [],
    notes: `For node_exporter's textfile collector, write the output to a temporary file and
rename it.`,
    examples: ["queuectl metrics"],
    load: async () => (await import("./commands/metrics.ts")).metricsCommand,
  },
  {
    name: "config",
    summary: "Show or change the configuration",
    forms: ["", "--key <key> [--value <value>]", "--reset", "--export <file>", "--import <file>"],
    args: [0, 0, ""],
    flags: [
      option("key", "text", "KEY", "show this setting", { proposes: "setting" }),
      option("value", "text", "VALUE", "set the setting that --key names"),
      toggle("reset", "set everything back to the defaults"),
      option("export", "text", "FILE", "write all settings to a file; - for stdout", {
        proposes: "file",
      }),
      option("import", "text", "FILE", "take settings from a file; - for stdin", {
        proposes: "file",
      }),
      JSON_FLAG,
    ],
    oneOf: [["key", "reset", "export", "import"], ["json", "reset", "export", "import"], [
      "json",
      "value",
    ]],
    examples: [
      "queuectl config",
      "queuectl config --key max_retries --value 5",
      "queuectl config --export settings.json",
    ],
    load: async () => (await import("./commands/config.ts")).configCommand,
  },
  {
    name: "storage info",
    summary: "Show where the data is and how much there is",
    forms: [""],
    args: [0, 0, ""],
    flags: [JSON_FLAG],
    examples: ["queuectl storage info"],
    load: async () => (await import("./commands/storage.ts")).infoCommand,
  },
  {
    name: "storage backup",
    summary: "Copy the queue to a new folder, also while it is in use",
    forms: ["<folder>"],
    args: [1, 1, "folder"],
    proposes: "folder",
    flags: [],
    notes: "Exits with 1 if a damaged file was left out; all others are in the backup.",
    examples: ["queuectl storage backup ~/backups/queue-monday"],
    load: async () =>
      (await import("./commands/storage.ts"))
        .backupCommand,
  },
  {
    name: "storage restore",
    summary: "Replace the queue by a backup",
    forms: ["<folder>"],
    args: [1, 1, "folder"],
    proposes: "folder",
    flags: [CONFIRM],
    notes: `The whole backup is checked before anything is changed. A restore is refused
while workers or jobs run. If there are jobs, schedules or settings already,
it needs --confirm.`,
    examples: ["queuectl storage restore ~/backups/queue-monday --confirm"],
    load: async () =>
      (await import("./commands/storage.ts"))
        .restoreCommand,
  },
  {
    name: "storage cleanup",
    summary: "Remove completed and cancelled jobs that ended long ago",
    forms: ["--older-than <duration>"],
    args: [0, 0, ""],
    flags: [option("older-than", "duration", "DURATION", "jobs that ended longer ago than this")],
    examples: ["queuectl storage cleanup --older-than 30d"],
    load: async () =>
      (await import("./commands/storage.ts"))
        .cleanupCommand,
  },
  {
    name: "storage check",
    summary: "Look for damage, and repair it",
    forms: [""],
    args: [0, 0, ""],
    flags: [toggle("repair", "repair what can be repaired; set aside what cannot be read")],
    notes: "Exits with 1 if any damage is left.",
    examples: ["queuectl storage check", "queuectl storage check --repair"],
    load: async () =>
      (await import("./commands/storage.ts"))
        .checkCommand,
  },
  {
    name: "service install",
    summary: "Have systemd or launchd run start, from each log-in on",
    forms: [""],
    args: [0, 0, ""],
    flags: [WORKERS],
    notes: `The service uses the data folder that this command would use, and its jobs get
the PATH of this shell. It is restarted after a failure, and stopped
gracefully.`,
    examples: ["queuectl service install --count 4"],
    load: async () =>
      (await import("./commands/service.ts"))
        .installCommand,
  },
  {
    name: "service uninstall",
    summary: "Let the running jobs of the service end, then stop and remove it",
    forms: [""],
    args: [0, 0, ""],
    flags: [],
    examples: ["queuectl service uninstall"],
    load: async () =>
      (await import("./commands/service.ts"))
        .uninstallCommand,
  },
  {
    name: "service print",
    summary: "Show what would be installed",
    forms: [""],
    args: [0, 0, ""],
    flags: [WORKERS],
    examples: ["queuectl service print"],
    load: async () =>
      (await import("./commands/service.ts"))
        .printCommand,
  },
  {
    name: "completions",
    summary: "Print a script that lets a shell complete queuectl commands",
    forms: ["bash|zsh|fish"],
    args: [1, 1, "shell"],
    proposes: "shell",
    flags: [],
    notes: `To load it in every new shell:
  bash   echo 'eval "$(queuectl completions bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(queuectl completions zsh)"' >> ~/.zshrc    (after compinit)
  fish   queuectl completions fish > ~/.config/fish/completions/queuectl.fish`,
    examples: ['eval "$(queuectl completions bash)"'],
    load: async () =>
      (await import("./commands/completions.ts"))
        .completionsCommand,
  },
  {
    name: "worker",
    summary: "Run jobs as a worker of a supervisor, which is at the other end of standard input",
    forms: [""],
    args: [0, 0, ""],
    flags: [
      {
        name: "worker-name",
        kind: "text",
        value: "NAME",
        about: "the name that it gets if it is free",
      },
      option("queue", "text", "NAME,...", "take jobs only from these queues"),
      { name: "drain", kind: "switch", about: "stop when nothing is left to do" },
    ],
    hidden: true,
    examples: ["queuectl worker"],
    load: async () => (await import("./commands/worker.ts")).workerCommand,
  },
  {
    name: "complete",
    summary: "Propose the next word, for the completion scripts",
    forms: ["-- <word>..."],
    args: [0, Infinity, "word"],
    flags: [],
    hidden: true,
    examples: ["queuectl complete -- job sh"],
    load: async () => {
      const { completeCommand } = await import("./commands/complete.ts");
      return (call) => completeCommand(call, COMMANDS);
    },
  },
];
