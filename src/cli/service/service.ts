// `queuectl service`: lets systemd or launchd run `start`. All its effects on the machine go
// through `ServiceEffects`.
import { QueueError } from "../../queue/errors.ts";
import type { StoreLocation } from "../../stores/store.ts";
import type { SelfCommand } from "../../system/self.ts";
import {
  LAUNCHD_LABEL,
  launchdPlist,
  type Service,
  systemdUnit,
} from "../../system/service_unit.ts";

export type ServiceAction = "print" | "install" | "uninstall";

export interface ServiceOptions {
  /** How many workers; the configuration's `worker_count` if undefined. */
  readonly count: number | undefined;
  /** The store that the service works on; the default one if undefined. */
  readonly store: StoreLocation | undefined;
}

export interface ServiceEffects {
  /** The value of `Deno.build.os`. */
  readonly os: string;
  readonly env: (name: string) => string | undefined;
  readonly userId: () => number | null;
  readonly self: () => SelfCommand;
  /** The path with all links resolved; undefined if it does not exist. */
  readonly realPath: (path: string) => string | undefined;
  /** The text of a file; undefined if it does not exist. */
  readonly read: (path: string) => string | undefined;
  /** Writes a file, and makes the folders above it. */
  readonly write: (path: string, text: string) => void;
  readonly remove: (path: string) => void;
  /**
   * Runs a program to its end.
   * @throws Deno.errors.NotFound if it does not exist
   */
  readonly run: (
    program: string,
    args: readonly string[],
  ) => Promise<{ code: number; stderr: string }>;
  /** Tells the user what is going on. */
  readonly say: (line: string) => void;
}

/**
 * A service manager (systemd or launchd): the file of the service, and the commands to install and
 * remove it.
 */
interface Keeper {
  readonly path: string;
  readonly text: string;
  /** Commands that put the file into effect once it is written. */
  readonly start: readonly Step[];
  /** Commands to run before the file is removed, and after. */
  readonly stop: readonly Step[];
  readonly forget: readonly Step[];
  readonly restart: string;
  readonly hints: readonly string[];
}

interface Step {
  readonly program: string;
  readonly args: readonly string[];
  /** Whether it may fail, because what it undoes may not exist. */
  readonly optional?: boolean;
}

/**
 * Runs `queuectl service <action>`.
 *
 * @returns the lines to print
 *
 * @throws QueueError `refused` if the platform has no service manager that is known; `not_found` if
 *   no service is installed; `io` if a command fails
 */
export async function serviceCommand(
  action: ServiceAction,
  options: ServiceOptions,
  effects: ServiceEffects,
): Promise<string[]> {
  const keeper = keeperFor(options, effects);
  if (action !== "uninstall" && leavesPassword(options, effects)) {
    effects.say("The password of the store is not in the service: see docs/keep-running.md");
  }
  switch (action) {
    case "print":
      return keeper.text.trimEnd().split("\n");
    case "install":
      return await install(keeper, effects);
    case "uninstall":
      return await uninstall(keeper, effects);
  }
}

/** Whether the store has a password here that it will not have in the service. */
function leavesPassword({ store }: ServiceOptions, { env }: ServiceEffects): boolean {
  if (store === undefined || store.kind === "folder") return false;
  return Boolean(
    store.password || env("QUEUECTL_STORE_PASSWORD") ||
      (store.kind === "postgres" && env("PGPASSWORD")),
  );
}

async function install(keeper: Keeper, effects: ServiceEffects): Promise<string[]> {
  const { path, text, start, forget, restart, hints } = keeper;
  const before = effects.read(path);
  effects.write(path, text);
  try {
    await runAll("install", start, effects);
  } catch (error) {
    if (before === undefined) effects.remove(path);
    else effects.write(path, before);
    await runAll("install", forget, effects).catch(() => {}); // the first error says more
    throw error;
  }
  if (before === undefined) return [`Installed ${path}`, ...hints];
  return before === text ? [`${path} was there, and is unchanged`] : [`Changed ${path}`, restart];
}

async function uninstall(
  { path, stop, forget }: Keeper,
  effects: ServiceEffects,
): Promise<string[]> {
  if (effects.read(path) === undefined) {
    throw new QueueError("not_found", `Cannot uninstall the service: there is no ${path}`);
  }
  // The service ends before its file is removed: without the file, the service manager would not
  // know how long to wait.
  effects.say("Stopping the service: running jobs end first");
  await runAll("uninstall", stop, effects);
  effects.remove(path);
  await runAll("uninstall", forget, effects);
  return [`Removed ${path}`];
}

async function runAll(
  verb: string,
  steps: readonly Step[],
  effects: ServiceEffects,
): Promise<void> {
  for (const { program, args, optional } of steps) {
    let ended: { code: number; stderr: string };
    try {
      ended = await effects.run(program, args);
    } catch (error) {
      throw new QueueError(
        "io",
        `Cannot ${verb} the service: the program ${program} can't be run`,
        {
          hint: "A line for cron does nearly the same: @reboot queuectl start",
          cause: error,
        },
      );
    }
    if (ended.code === 0 || optional) continue;
    const said = ended.stderr.trim().split("\n")[0] || `exit code ${ended.code}`;
    throw new QueueError(
      "io",
      `Cannot ${verb} the service: "${[program, ...args].join(" ")}" failed: ${said}`,
    );
  }
}

function keeperFor(options: ServiceOptions, effects: ServiceEffects): Keeper {
  switch (effects.os) {
    case "linux":
      return systemd(serviceOf(options, effects), effects);
    case "darwin":
      return launchd(serviceOf(options, effects), effects);
    default:
      throw new QueueError(
        "refused",
        `Cannot make a service on ${effects.os}: only systemd and launchd are known`,
        {
          hint: "Have the system run this at log-in: queuectl start",
        },
      );
  }
}

function serviceOf({ count, store }: ServiceOptions, effects: ServiceEffects): Service {
  const { program, args } = effects.self();
  const path = effects.env("PATH");
  return {
    program: args.length === 0 ? lastingPath(program, effects) : program,
    args: [...args, "start", ...(count === undefined ? [] : ["--count", String(count)])],
    environment: {
      // Jobs shall find the same programs as in the shell where this is called.
      ...(path && { PATH: path }),
      // Without a password, since others may read the file: docs/keep-running.md says where it goes.
      ...(store?.kind === "folder" && { QUEUECTL_DATA_DIR: store.path }),
      ...(store !== undefined && store.kind !== "folder" && { QUEUECTL_STORE: store.url }),
    },
  };
}

/**
 * A link on the PATH that leads to `program`, if there is one. Package managers install each
 * version in a folder of its own, so the link lasts longer.
 */
function lastingPath(program: string, { env, realPath }: ServiceEffects): string {
  const onPath = (env("PATH") ?? "").split(":").filter((folder) => folder.startsWith("/"))
    .map((folder) => `${folder.replace(/\/+$/, "")}/queuectl`);
  return onPath.find((path) => realPath(path) === program) ?? program;
}

function systemd(service: Service, { env }: ServiceEffects): Keeper {
  const unit = "queuectl.service";
  const folder = env("XDG_CONFIG_HOME") || `${home(env)}/.config`;
  const systemctl = (...args: string[]): Step => ({
    program: "systemctl",
    args: ["--user", ...args],
  });
  return {
    path: `${folder}/systemd/user/${unit}`,
    text: systemdUnit(service),
    start: [systemctl("daemon-reload"), systemctl("enable", "--now", unit)],
    stop: [systemctl("disable", "--now", unit)],
    forget: [systemctl("daemon-reload")],
    restart: `To apply it when running jobs have ended: systemctl --user restart ${unit}`,
    hints: [
      "It runs now, and from each log-in to log-out",
      "To run it from boot on: loginctl enable-linger",
    ],
  };
}

function launchd(service: Service, { env, userId }: ServiceEffects): Keeper {
  const domain = `gui/${userId() ?? 0}`;
  const path = `${home(env)}/Library/LaunchAgents/${LAUNCHD_LABEL}.plist`;
  const launchctl = (...args: string[]): Step => ({ program: "launchctl", args });
  const bootout = launchctl("bootout", `${domain}/${LAUNCHD_LABEL}`);
  return {
    path,
    text: launchdPlist(service, `${home(env)}/Library/Logs/queuectl.log`),
    start: [
      { ...bootout, optional: true },
      launchctl("enable", `${domain}/${LAUNCHD_LABEL}`),
      launchctl("bootstrap", domain, path),
    ],
    // It fails if the agent is not loaded, and then nothing has to be stopped.
    stop: [{ ...bootout, optional: true }],
    forget: [],
    restart: "It was restarted with the change",
    hints: ["It runs now, and from each log-in to log-out"],
  };
}

function home(env: ServiceEffects["env"]): string {
  const path = env("HOME");
  if (!path) throw new QueueError("refused", "Cannot tell where services belong: $HOME is not set");
  return path;
}
