// The text of a service that runs `start`: a systemd user unit and a launchd agent. Pure.

export interface Service {
  readonly program: string;
  /** All of its arguments, `start` included. */
  readonly args: readonly string[];
  /** Environment variables, since neither systemd nor launchd reads a shell's profile. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The name of the agent for launchd. */
export const LAUNCHD_LABEL = "local.queuectl";

/**
 * A systemd user unit. Only the supervisor is signalled, and systemd waits for it without a limit,
 * since it lets running jobs end first. If it dies, its jobs stay alive, and the next one adopts
 * them. After `queuectl stop` it exits with 0, so it stays stopped; exit code 2 (wrong usage) would
 * only come again.
 */
export function systemdUnit({ program, args, environment }: Service): string {
  // systemd refuses to run a program with such characters in its path, even if they are escaped. A
  // shell does not.
  const [first, ...rest] = /[\\"'\p{Cc}]/u.test(program)
    ? ["/bin/sh", "-c", 'exec "$0" "$@"', program, ...args]
    : [program, ...args];
  const command = [quoted(first!), ...rest.map((arg) => quoted(arg).replaceAll("$", "$$$$"))].join(
    " ",
  );
  const variables = Object.entries(environment).map(([name, value]) =>
    `Environment=${quoted(`${name}=${value}`)}\n`
  );
  return `[Unit]
Description=Background job queue for shell commands
Documentation=man:queuectl(1)

[Service]
Type=exec
ExecStart=${command}
${variables.join("")}Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
KillMode=process
TimeoutStopSec=infinity
OOMPolicy=continue

[Install]
WantedBy=default.target
`;
}

/**
 * Quotes one word for a unit file: systemd splits at blanks, reads C escapes, and expands what
 * follows a `%`.
 */
function quoted(word: string): string {
  const escaped = word.replaceAll("%", "%%").replace(/[\\"]/g, "\\$&").replace(
    // deno-lint-ignore no-control-regex -- a line break would begin another setting
    /[\x00-\x1f\x7f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return /^[\w@:,./=+%-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/**
 * A launchd agent, which is restarted unless it exits with 0. launchd can't wait without a limit
 * and be safe at shutdown: after `ExitTimeOut` seconds the supervisor is killed, and the jobs go on
 * and are adopted later.
 *
 * @param log the file for messages, which launchd drops otherwise
 */
export function launchdPlist({ program, args, environment }: Service, log: string): string {
  const strings = [program, ...args].map((word) => `    <string>${xml(word)}</string>\n`).join("");
  const variables = Object.entries(environment).map(([name, value]) =>
    `    <key>${xml(name)}</key>\n    <string>${xml(value)}</string>\n`
  ).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LAUNCHD_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${strings}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>AbandonProcessGroup</key>
  <true/>
  <key>ExitTimeOut</key>
  <integer>300</integer>
  <key>StandardErrorPath</key>
  <string>${xml(log)}</string>
</dict>
</plist>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function xml(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character]!);
}
