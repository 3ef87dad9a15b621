// The pictures in docs/dashboard.md: the dashboard on the demo's queue, with a few jobs that run.
// Needs a chromium on the PATH. deno task screenshots
import { launch, type Page } from "puppeteer-core";
import { cleanEnvironment, putOnPath, sources } from "./on_path.ts";

const DOCS = new URL("../docs/", import.meta.url).pathname;
const WIDTH = 1100;

interface Shot {
  readonly name: string;
  readonly hash: string;
  readonly theme: "light" | "dark";
  readonly height: number;
  /** What has to be there. */
  readonly sees: string;
}

const SHOTS: readonly Shot[] = [
  { name: "overview", hash: "#/", theme: "light", height: 600, sees: ".jobs tbody tr" },
  { name: "jobs", hash: "#/jobs", theme: "light", height: 560, sees: ".jobs tbody tr" },
  { name: "job", hash: "#/jobs/render", theme: "dark", height: 620, sees: ".line:nth-child(9)" },
];

/** Runs while the pictures are made. */
const JOBS = [
  { id: "render", command: "sh render.sh --frames 240", group: "film" },
  { id: "sound", command: "sh wait.sh", group: "film" },
  { id: "join", command: "cat render sound > film", group: "film", after: ["render", "sound"] },
  { id: "check", command: "test -s film", group: "film", after: ["join"] },
  { id: "publish", command: "cp film published", group: "film", after: ["check"] },
  { id: "tidy", command: "rm -f frames/*", group: "film", after_any: ["join"] },
];

/** Prints colours, and then waits until it is killed. */
const RENDER = `i=1
while [ $i -le 11 ]; do
  printf 'frame %03d of 240  \\033[32mdone\\033[0m in \\033[36m%d ms\\033[0m\\n' $i $((80 + i * 7 % 23))
  i=$((i + 1))
done
printf '\\033[33mwarning:\\033[0m frame 011: texture \\033[1mwood.png\\033[0m is missing, plain grey is used\\n'
exec sleep 600
`;

async function main(): Promise<void> {
  const folder = await runDemo();
  await Deno.writeTextFile(`${folder}/render.sh`, RENDER);
  await Deno.writeTextFile(`${folder}/wait.sh`, "echo mixing 2 tracks; exec sleep 600\n");
  putOnPath(`${folder}/bin`, sources());
  const command = (args: string[], stdout: "piped" | "null" = "null") =>
    new Deno.Command(`${folder}/bin/queuectl`, {
      args,
      cwd: folder,
      env: cleanEnvironment({}),
      clearEnv: true,
      stdin: "null",
      stdout,
      stderr: "null",
    });
  await Deno.writeTextFile(`${folder}/film.txt`, JOBS.map((job) => JSON.stringify(job)).join("\n"));
  await command(["enqueue", "--file", "film.txt"]).output();
  const workers = command(["start", "--count", "3"]).spawn();
  const serve = command(["serve", "--listen", "127.0.0.1:0"], "piped").spawn();
  try {
    const address = await firstLine(serve.stdout);
    await takeAll(address);
  } finally {
    serve.kill();
    await command(["stop", "--force"]).output();
    await Promise.all([workers.status, serve.status]);
  }
  await Deno.remove(folder, { recursive: true });
}

/** The folder in which it leaves all that it made. */
async function runDemo(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", new URL("demo.ts", import.meta.url).pathname, "--keep"],
    stderr: "inherit",
  }).output();
  const folder = /It is all in (.+)\n$/.exec(new TextDecoder().decode(stdout))?.[1];
  if (folder === undefined) throw new Error("The demo failed");
  return folder;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text.trim();
}

async function takeAll(address: string): Promise<void> {
  const path = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";
  const browser = await launch({ executablePath: path, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(address);
    for (const shot of SHOTS) await take(page, shot);
  } finally {
    await browser.close();
  }
}

async function take(page: Page, { name, hash, theme, height, sees }: Shot): Promise<void> {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.setViewport({ width: WIDTH, height });
  await page.evaluate((to) => location.assign(to), hash);
  await page.waitForSelector(sees);
  await page.waitForNetworkIdle({ idleTime: 500, concurrency: 1 });
  await page.screenshot({ path: `${DOCS}dashboard-${name}.png` });
}

if (import.meta.main) await main();
