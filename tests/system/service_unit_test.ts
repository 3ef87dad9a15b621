import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { launchdPlist, type Service, systemdUnit } from "../../src/system/service_unit.ts";
import { needing } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";

const SERVICE: Service = {
  program: "/home/ann/.local/bin/queuectl",
  args: ["start", "--count", "4"],
  environment: { PATH: "/usr/local/bin:/usr/bin", QUEUECTL_DATA_DIR: "/home/ann/my queue" },
};
const NASTY: Service = {
  program: "/opt/100% $HOME/queuectl",
  args: ["start", "$HOME", "a b", "%h"],
  environment: { PATH: `/a b:/c%d:$HOME`, QUEUECTL_DATA_DIR: "/line\nExecStart=/bin/false" },
};

Deno.test("systemdUnit() keeps start running, signals only the supervisor and waits for jobs", () => {
  assertEquals(
    systemdUnit(SERVICE),
    `[Unit]
Description=Background job queue for shell commands
Documentation=man:queuectl(1)

[Service]
Type=exec
ExecStart=/home/ann/.local/bin/queuectl start --count 4
Environment=PATH=/usr/local/bin:/usr/bin
Environment="QUEUECTL_DATA_DIR=/home/ann/my queue"
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
KillMode=process
TimeoutStopSec=infinity
OOMPolicy=continue

[Install]
WantedBy=default.target
`,
  );
});

Deno.test("systemdUnit() takes every character for itself: blanks, %, $, quotes, backslashes, line breaks", () => {
  const lines = systemdUnit(NASTY).split("\n");
  // Of the program's own path nothing is expanded but %.
  const command = lines.filter((line) => line.startsWith("ExecStart="));
  assertEquals(command, [
    `ExecStart="/opt/100%% $HOME/queuectl" start "$$HOME" "a b" %%h`,
  ]);
  assert(lines.includes(`Environment="PATH=/a b:/c%%d:$HOME"`));
  assert(lines.includes(`Environment="QUEUECTL_DATA_DIR=/line\\x0aExecStart=/bin/false"`));
});

Deno.test("systemdUnit() starts a program that systemd would refuse by its path through a shell", () => {
  const lines = systemdUnit({ ...NASTY, program: `/a"b\\c $d/queuectl`, args: ["start"] }).split(
    "\n",
  );
  assert(
    lines.includes(
      `ExecStart=/bin/sh -c "exec \\"$$0\\" \\"$$@\\"" "/a\\"b\\\\c $$d/queuectl" start`,
    ),
  );
});

Deno.test({
  ...needing(
    ["systemd-analyze"],
    "systemd-analyze verify accepts systemdUnit(), and finds the program behind its quoting",
  ),
  fn: () =>
    withTempDir(async (dir) => {
      const folder = `${dir}/100% $x`;
      await Deno.mkdir(folder);
      const program = `${folder}/queuectl`;
      await Deno.writeTextFile(program, "#!/bin/sh\n", { mode: 0o755 });
      assertEquals(await verify(dir, systemdUnit({ ...NASTY, program })), "");
      assertEquals(await verify(dir, systemdUnit({ ...NASTY, program: `/a"b\\c/queuectl` })), "");
      assertStringIncludes(
        await verify(dir, systemdUnit({ ...NASTY, program: `${folder}/no` })),
        "/no",
      );
    }),
});

async function verify(dir: string, text: string): Promise<string> {
  const unit = `${dir}/queuectl.service`;
  await Deno.writeTextFile(unit, text);
  const { code, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", "--user", "--man=no", unit],
    env: { XDG_RUNTIME_DIR: dir, HOME: dir },
  }).output();
  const said = new TextDecoder().decode(stderr);
  return code === 0 ? said : said || `exit code ${code}`;
}

Deno.test("launchdPlist() restarts start unless it ends well, and gives it PATH and a log", () => {
  assertEquals(
    launchdPlist(SERVICE, "/Users/ann/Library/Logs/queuectl.log"),
    `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>local.queuectl</string>
  <key>ProgramArguments</key>
  <array>
    <string>/home/ann/.local/bin/queuectl</string>
    <string>start</string>
    <string>--count</string>
    <string>4</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>/usr/local/bin:/usr/bin</string>
    <key>QUEUECTL_DATA_DIR</key>
    <string>/home/ann/my queue</string>
  </dict>
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
  <string>/Users/ann/Library/Logs/queuectl.log</string>
</dict>
</plist>
`,
  );
});

Deno.test("launchdPlist() escapes what XML would take for its own", () => {
  const plist = launchdPlist({ ...SERVICE, program: "/a & b/<q>" }, "/log");
  assertStringIncludes(plist, "<string>/a &amp; b/&lt;q&gt;</string>");
});

Deno.test({
  ...needing(["plutil"], "plutil accepts launchdPlist()"),
  fn: () =>
    withTempDir(async (dir) => {
      await Deno.writeTextFile(
        `${dir}/a.plist`,
        launchdPlist({ ...NASTY, environment: {} }, "/log & more"),
      );
      const { code } = await new Deno.Command("plutil", { args: ["-lint", `${dir}/a.plist`] })
        .output();
      assertEquals(code, 0);
    }),
});
