import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { StoreLocation } from "../../src/stores/store.ts";
import {
  type ServiceAction,
  serviceCommand,
  type ServiceEffects,
} from "../../src/cli/service/service.ts";

const UNIT = "/home/ann/.config/systemd/user/queuectl.service";
const PLIST = "/home/ann/Library/LaunchAgents/local.queuectl.plist";

/** A machine that keeps what was done to it. */
class FakeMachine implements ServiceEffects {
  os = "linux";
  readonly variables: Record<string, string> = { HOME: "/home/ann", PATH: "/usr/bin" };
  readonly files = new Map<string, string>();
  readonly links = new Map<string, string>();
  /** Commands that fail, by a part of them, with what they say. */
  readonly failing: Record<string, string> = {};
  /** Everything that was done, in order. */
  readonly done: string[] = [];
  args: string[] = [];

  readonly env = (name: string) => this.variables[name];
  readonly userId = () => 501;
  readonly self = () => ({ program: "/opt/queuectl/0.1.0/queuectl", args: this.args });
  readonly realPath = (path: string) => this.links.get(path);
  readonly read = (path: string) => this.files.get(path);
  readonly say = (line: string) => void this.done.push(`say ${line}`);

  write(path: string, text: string): void {
    this.done.push(`write ${path}`);
    this.files.set(path, text);
  }

  remove(path: string): void {
    this.done.push(`remove ${path}`);
    this.files.delete(path);
  }

  run(program: string, args: readonly string[]): Promise<{ code: number; stderr: string }> {
    const line = [program, ...args].join(" ");
    this.done.push(line);
    const why = Object.entries(this.failing).find(([part]) => line.includes(part))?.[1];
    if (why === "missing") return Promise.reject(new Deno.errors.NotFound(program));
    return Promise.resolve(why === undefined ? { code: 0, stderr: "" } : { code: 1, stderr: why });
  }

  service(action: ServiceAction, count?: number, store?: StoreLocation): Promise<string[]> {
    return serviceCommand(action, { count, store }, this);
  }
}

Deno.test("service says that it has no password where the store has one here", async () => {
  const said = async (action: ServiceAction, store: StoreLocation, variables = {}) => {
    const machine = new FakeMachine();
    Object.assign(machine.variables, variables);
    await machine.service(action, 1, store);
    assertEquals([...machine.files.values()].some((text) => text.includes("secret")), false);
    return machine.done.filter((line) => line.startsWith("say "));
  };
  const at = (kind: "postgres" | "redis", password?: string): StoreLocation => ({
    kind,
    url: `${kind}://me@db`,
    password,
  });
  const word = ["say The password of the store is not in the service: see docs/keep-running.md"];
  assertEquals(await said("install", at("redis", "secret")), word);
  assertEquals(await said("print", at("postgres"), { QUEUECTL_STORE_PASSWORD: "secret" }), word);
  assertEquals(await said("install", at("postgres"), { PGPASSWORD: "secret" }), word);
  assertEquals(await said("install", at("redis"), { PGPASSWORD: "secret" }), []);
  const folder = { kind: "folder", path: "/data" } as const;
  assertEquals(await said("install", folder, { QUEUECTL_STORE_PASSWORD: "secret" }), []);
});

Deno.test("service print shows the unit and does nothing", async () => {
  const machine = new FakeMachine();
  const lines = await machine.service("print", 3, { kind: "folder", path: "/data" });
  assertEquals(lines[0], "[Unit]");
  assertEquals(lines.filter((line) => /^(?:ExecStart|Environment)=/.test(line)), [
    "ExecStart=/opt/queuectl/0.1.0/queuectl start --count 3",
    "Environment=PATH=/usr/bin",
    "Environment=QUEUECTL_DATA_DIR=/data",
  ]);
  assertEquals(machine.done, []);
});

Deno.test("service print leaves the number of workers to the configuration, and takes the sources where they run", async () => {
  const machine = new FakeMachine();
  machine.args = ["run", "/src/main.ts"];
  const lines = await machine.service("print");
  assertEquals(
    lines.find((line) => line.startsWith("ExecStart=")),
    "ExecStart=/opt/queuectl/0.1.0/queuectl run /src/main.ts start",
  );
});

Deno.test("service names the link on the PATH that leads to the program, so that an upgrade reaches it", async () => {
  const machine = new FakeMachine();
  machine.variables["PATH"] = "relative:/bin:/home/ann/bin/:/usr/bin";
  machine.links.set("/bin/queuectl", "/opt/another/queuectl");
  machine.links.set("/home/ann/bin/queuectl", "/opt/queuectl/0.1.0/queuectl");
  assertStringIncludes(
    (await machine.service("print")).join("\n"),
    "ExecStart=/home/ann/bin/queuectl start",
  );
});

Deno.test("service install writes the unit, then has systemd start it", async () => {
  const machine = new FakeMachine();
  const lines = await machine.service("install");
  assertEquals(machine.done, [
    `write ${UNIT}`,
    "systemctl --user daemon-reload",
    "systemctl --user enable --now queuectl.service",
  ]);
  assertEquals(lines[0], `Installed ${UNIT}`);
  assertStringIncludes(lines.join("\n"), "loginctl enable-linger");
});

Deno.test("service install follows $XDG_CONFIG_HOME", async () => {
  const machine = new FakeMachine();
  machine.variables["XDG_CONFIG_HOME"] = "/cfg";
  await machine.service("install");
  assertEquals([...machine.files.keys()], ["/cfg/systemd/user/queuectl.service"]);
});

Deno.test("service install a second time says whether anything changed", async () => {
  const machine = new FakeMachine();
  await machine.service("install", 1);
  assertEquals(await machine.service("install", 1), [`${UNIT} was there, and is unchanged`]);
  const lines = await machine.service("install", 2);
  assertEquals(lines[0], `Changed ${UNIT}`);
  assertStringIncludes(lines[1]!, "systemctl --user restart");
});

Deno.test("service install takes its file back when systemd refuses", async () => {
  const machine = new FakeMachine();
  machine.failing["enable"] = "Failed to connect to bus: No medium found\nmore\n";
  const error = await assertRejects(() => machine.service("install"), QueueError);
  assertEquals(
    error.message,
    'Cannot install the service: "systemctl --user enable --now queuectl.service" failed: Failed to connect to bus: No medium found',
  );
  assertEquals([...machine.files], []);

  machine.files.set(UNIT, "before");
  await assertRejects(() => machine.service("install"), QueueError);
  assertEquals(machine.files.get(UNIT), "before");
});

Deno.test("service install says so where there is no systemd, and names another way", async () => {
  const machine = new FakeMachine();
  machine.failing["systemctl"] = "missing";
  const error = await assertRejects(
    () => machine.service("install"),
    QueueError,
    "systemctl can't be run",
  );
  assertStringIncludes(error.hint!, "@reboot");
  assertEquals([...machine.files], []);
});

Deno.test("service uninstall waits for the service to end before its unit goes", async () => {
  const machine = new FakeMachine();
  machine.files.set(UNIT, "text");
  assertEquals(await machine.service("uninstall"), [`Removed ${UNIT}`]);
  assertEquals(machine.done, [
    "say Stopping the service: running jobs end first",
    "systemctl --user disable --now queuectl.service",
    `remove ${UNIT}`,
    "systemctl --user daemon-reload",
  ]);
});

Deno.test("service uninstall keeps the unit when the service can't be stopped", async () => {
  const machine = new FakeMachine();
  machine.files.set(UNIT, "text");
  machine.failing["disable"] = "Access denied";
  await assertRejects(() => machine.service("uninstall"), QueueError, "Access denied");
  assertEquals(machine.files.get(UNIT), "text");
});

Deno.test("service uninstall refuses where nothing is installed", async () => {
  const error = await assertRejects(() => new FakeMachine().service("uninstall"), QueueError, UNIT);
  assertEquals(error.code, "not_found");
});

Deno.test("service speaks to launchd on macOS", async () => {
  const machine = new FakeMachine();
  machine.os = "darwin";
  assertEquals((await machine.service("install"))[0], `Installed ${PLIST}`);
  machine.failing["bootout"] = "No such process"; // it was stopped by hand
  assertEquals(await machine.service("uninstall"), [`Removed ${PLIST}`]);
  assertEquals(machine.done, [
    `write ${PLIST}`,
    "launchctl bootout gui/501/local.queuectl",
    "launchctl enable gui/501/local.queuectl",
    `launchctl bootstrap gui/501 ${PLIST}`,
    "say Stopping the service: running jobs end first",
    "launchctl bootout gui/501/local.queuectl",
    `remove ${PLIST}`,
  ]);
});

Deno.test("service refuses on other platforms, and without a home", async () => {
  const windows = new FakeMachine();
  windows.os = "windows";
  for (const action of ["print", "install", "uninstall"] as const) {
    const error = await assertRejects(() => windows.service(action), QueueError, "on windows");
    assertEquals(error.code, "refused");
  }
  const homeless = new FakeMachine();
  delete homeless.variables["HOME"];
  await assertRejects(() => homeless.service("install"), QueueError, "$HOME");
});
