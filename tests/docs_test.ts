// The documents: every shell block is run like a user would run it, links lead to something, and
// facts agree with the program. The blocks of a section are run one after another in one folder
// with one home; sections are run in parallel, since they mostly wait.
import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../src/cli/commands.ts";
import { DEFAULT_SETTINGS, SETTING_KEYS } from "../src/queue/settings.ts";
import { pathOfUrl } from "../src/system/self.ts";
import { needing } from "./support/has_program.ts";
import { anchorsOf, linksOf } from "./support/markdown_links.ts";
import { type Block, endsWith, sectionsOf } from "./support/shell_blocks.ts";
import { makeShellWorld, type ShellWorld } from "./support/shell_world.ts";
import { withTempDir } from "./support/temp_dir.ts";

const ROOT = pathOfUrl(new URL("..", import.meta.url).href);

/** All documents, by path within the project. */
const DOCUMENTS = new Map(
  ["", "docs/", "src/"].flatMap((folder) =>
    [...Deno.readDirSync(ROOT + folder)].filter(({ name }) => name.endsWith(".md"))
      .map(({ name }) => [folder + name, Deno.readTextFileSync(ROOT + folder + name)] as const)
  ).toSorted(),
);

/** Made from the table of commands, whose examples have a test of their own. */
const COMMANDS_PAGE = "docs/commands.md";

/** So many sections run at once. */
const AT_ONCE = 4;

Deno.test({
  // Completions are code of that shell.
  ...needing(
    ["bash"],
    "documents: the shell blocks do what they say, and the examples of every command work",
  ),
  fn: () =>
    inTurns([
      tryExamples,
      ...[...DOCUMENTS].filter(([path]) => path !== COMMANDS_PAGE).flatMap(([path, text]) =>
        sectionsOf(text).map(({ blocks }) => () => runSection(path, blocks))
      ),
    ]),
});

Deno.test("README.md has at most 300 lines, and leads to every page", () => {
  const readme = DOCUMENTS.get("README.md")!;
  assert(
    readme.split("\n").length <= 301,
    "it is for the one who comes first: move things to docs/",
  );
  const targets = new Set(linksOf(readme).map(({ target }) => target.split("#")[0]));
  const missing = [...DOCUMENTS.keys()].filter((path) =>
    path !== "README.md" && !targets.has(path)
  );
  assertEquals(missing, []);
});

Deno.test("README.md names every command, and docs/configuration.md every setting with its default", () => {
  const row = (path: string, first: string) =>
    DOCUMENTS.get(path)!.split("\n").find((line) => line.startsWith(`| ${first} `))?.split("|")
      .map((cell) => cell.trim());
  const named = DOCUMENTS.get("README.md")!;
  const unnamed = COMMANDS.filter(({ hidden, name }) =>
    !hidden &&
    ![`\`${name}`, `\`${name.split(" ")[0]}\``, `queuectl ${name}`].some((text) =>
      named.includes(text)
    )
  );
  assertEquals(unnamed.map(({ name }) => name), []);
  for (const key of SETTING_KEYS) {
    const cells = row("docs/configuration.md", `\`${key}\``);
    assertEquals(cells?.[2], String(DEFAULT_SETTINGS[key]), key);
  }
});

Deno.test("links in the documents lead to files that exist, and to headings in them", () => {
  const broken: string[] = [];
  for (const [path, text] of DOCUMENTS) {
    for (const { target, line } of linksOf(text)) {
      if (/^[a-z]+:/.test(target)) continue; // the net is not asked
      const [file, anchor] = target.split("#") as [string, string?];
      const found = file === "" ? path : new URL(file, `file:///${path}`).pathname.slice(1);
      if (!exists(ROOT + found)) broken.push(`${path}:${line}: there is no ${found}`);
      else if (anchor !== undefined && !anchorsOf(DOCUMENTS.get(found) ?? "").has(anchor)) {
        broken.push(`${path}:${line}: there is no heading #${anchor} in ${found}`);
      }
    }
  }
  assertEquals(broken, []);
});

Deno.test("linksOf() and anchorsOf() know links and headings from code", () => {
  const text = [
    "# A title: `x`, twice",
    "See [a](b.md#c), ![d](e.svg) and `[f](g)`.",
    "```sh",
    "# no heading, [h](i)",
    "```",
    "## A title: x, twice",
  ].join("\n");
  assertEquals(linksOf(text), [{ target: "b.md#c", line: 2 }, { target: "e.svg", line: 2 }]);
  assertEquals([...anchorsOf(text)], ["a-title-x-twice", "a-title-x-twice-1"]);
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Runs all, a few at a time. Fails with all that failed, once nothing runs any more. */
async function inTurns(actions: (() => Promise<void>)[]): Promise<void> {
  const left = actions.values();
  const failures: string[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const action of left) {
      await action().catch((error) => failures.push(error.message));
    }
  }));
  assertEquals(failures.length, 0, failures.join("\n\n"));
}

function runSection(path: string, blocks: readonly Block[]): Promise<void> {
  return withTempDir(async (dir) => {
    const world = await makeShellWorld(dir);
    try {
      for (const block of blocks) await runBlock(world, path, block);
    } finally {
      await world.stop();
    }
  });
}

/** Each example, in a queue that has what the examples name. */
function tryExamples(): Promise<void> {
  return withTempDir(async (dir) => {
    const world = await makeShellWorld(dir);
    const prepared = await world.shell(PREPARATION);
    assertEquals(prepared.code, 0, prepared.text);
    for (const { hidden, examples } of COMMANDS) {
      for (const example of hidden ? [] : examples) {
        // Needs a terminal, or a port, until it is told to end.
        if (/--watch|queuectl serve/.test(example)) continue;
        const { code, text } = await world.shell(
          `rm -rf ~/.local/share/queuectl; cp -a ~/prepared ~/.local/share/queuectl\n${
            before(example)
          }\n${example}\nwait`,
        );
        assertEquals(code, 0, `${example}\n${text}`);
        if (example.includes("--detach")) await world.stop();
      }
    }
    await world.stop();
  });
}

/** Runs a block in one shell, such that what each step prints can be told apart. */
async function runBlock(world: ShellWorld, path: string, { line, steps }: Block): Promise<void> {
  const cut = "\u001e";
  const script = steps.map((step) => `${step.script}\nprintf '${cut}'\n`).join("");
  const { code, text } = await world.shell(script);
  assertEquals(code, 0, `${path}:${line}: exit code ${code} after\n${text.replaceAll(cut, "")}`);
  const parts = text.split(cut);
  steps.forEach(({ printed }, i) => {
    if (printed === undefined) return;
    const message = `${path}:${line}: it says\n${printed.join("\n")}\nbut prints\n${parts[i]}`;
    assert(endsWith(parts[i]!, printed), message);
  });
}

/**
 * A dead job that has a log, and what else the examples name. Each example begins with a copy of
 * it.
 */
const PREPARATION = `
  queuectl enqueue --job-id 3f2a --max-retries 0 'echo hello; exit 1'
  queuectl start --drain
  queuectl schedule add nightly --cron '30 2 * * *' true
  echo 'echo one' > jobs.txt
  echo all: > Makefile
  mkdir ~/notes ~/backups
  queuectl storage backup ~/backups/queue-monday
  mv ~/.local/share/queuectl ~/prepared
`;

/** What has to happen before, or beside, an example. */
function before(example: string): string {
  if (example.startsWith("queuectl start") && !/--drain|--detach/.test(example)) {
    return "(until queuectl status | grep -q busy; do sleep 0.1; done; queuectl stop) &";
  }
  if (example.includes("--follow make")) {
    return "(until queuectl list | grep -q make; do sleep 0.1; done; queuectl start --drain) &";
  }
  if (/job (cancel|wait) --group/.test(example)) {
    const enqueue = "queuectl enqueue --group mirror true";
    return example.includes("wait") ? `${enqueue}; queuectl start --drain` : enqueue;
  }
  if (example.includes("job wait")) {
    return "(until queuectl list | grep -q make; do sleep 0.1; done; queuectl start --drain) &";
  }
  if (/job (cancel|update)/.test(example)) return "queuectl dlq retry 3f2a";
  if (example.includes("storage backup")) return "rm -r ~/backups/queue-monday";
  return "";
}
