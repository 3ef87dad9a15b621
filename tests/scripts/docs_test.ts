import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Reference } from "../../scripts/command_doc.ts";
import { generatedFiles } from "../../scripts/docs.ts";
import { manPage } from "../../scripts/man_page.ts";
import { commandsPage } from "../../scripts/markdown_reference.ts";
import { needing } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";

const REFERENCE: Reference = {
  version: "1.2.3",
  commands: [
    {
      name: "enqueue",
      summary: "Put a command into the queue",
      forms: ["<command>", "-- <program> [argument]..."],
      flags: [
        { name: "max-retries", value: "N", about: "retries, a | b" },
        { name: "verbose", about: "more" },
      ],
      notes: `First line, with --drain
and its second.

To have it:
  bash   echo 'eval "$(queuectl \\n)"' >> ~/.bashrc
  .dot`,
      examples: ["queuectl enqueue 'a *b*'"],
    },
    { name: "dlq list", summary: "List <dead> jobs", forms: [""], flags: [], examples: ["x", "y"] },
    { name: "complete", summary: "Secret", forms: [""], flags: [], examples: ["z"], hidden: true },
  ],
  globalFlags: [{ name: "data-dir", value: "DIR", about: "the folder" }],
  settings: [{ key: "max_retries", initial: "3", about: "retries", values: "a whole number" }],
};

Deno.test("commandsPage() shows forms, options, notes and examples of every command but hidden ones", () => {
  const made = commandsPage(REFERENCE);
  for (
    const part of [
      "| [`dlq list`](#dlq-list) | List \\<dead\\> jobs |\n",
      "## dlq list\n\nList \\<dead\\> jobs.\n",
      "```\nqueuectl enqueue [options] <command>\nqueuectl enqueue [options] -- <program> [argument]...\n```\n",
      "| `--max-retries N` | retries, a \\| b |\n| `--verbose` | more |\n",
      "First line, with --drain and its second.\n",
      "To have it:\n\n```\nbash   echo",
      "```sh\nqueuectl enqueue 'a *b*'\n```\n",
      "| `--data-dir DIR` | the folder |\n",
    ]
  ) assertStringIncludes(made, part);
  assert(!made.includes("Secret"));
});

Deno.test("manPage() has a heading for each command, and texts to be typed as they are", () => {
  const page = manPage(REFERENCE);
  for (
    const part of [
      '.TH QUEUECTL 1 "" "queuectl 1.2.3" "User Commands"\n',
      '.SS "queuectl enqueue"\n',
      ".PP\nqueuectl enqueue [options] <command>\n.br\nqueuectl enqueue [options] \\-\\- <program> [argument]...\n",
      '.TP\n.BI "\\-\\-max\\-retries " "N"\nRetries, a | b.\n',
      ".TP\n.B \\-\\-verbose\nMore.\n",
      ".PP\nFirst line, with \\-\\-drain and its second.\n",
      ".EX\nbash   echo \\(aqeval \\(dq$(queuectl \\en)\\(dq\\(aq >> \\(ti/.bashrc\n\\&.dot\n.EE\n",
      ".TP\n.B max_retries\nRetries: a whole number. Default: 3.\n",
    ]
  ) assertStringIncludes(page, part);
  assert(!page.includes("Secret"));
});

const PAGE_CHECKERS: Record<string, { args: string[]; said: "stdout" | "stderr" }> = {
  groff: { args: ["-man", "-Tutf8", "-ww"], said: "stderr" },
  mandoc: { args: ["-Tlint", "-Wwarning"], said: "stdout" },
};

for (const [program, { args, said }] of Object.entries(PAGE_CHECKERS)) {
  Deno.test({
    ...needing([program], `${program} finds nothing wrong with manPage()`),
    fn: () =>
      withTempDir(async (dir) => {
        await Deno.writeTextFile(`${dir}/queuectl.1`, manPage(REFERENCE));
        const output = await new Deno.Command(program, { args: [...args, `${dir}/queuectl.1`] })
          .output();
        const lines = new TextDecoder().decode(output[said]).split("\n");
        // The page has no date: the version says more, and a date would change it every day.
        assertEquals(lines.filter((line) => !/^$|missing date/.test(line)), []);
      }),
  });
}

const exists = (path: string) =>
  Deno.stat(new URL(`../../${path}`, import.meta.url)).then(() => true, () => false);

Deno.test({
  name: "what is generated is up to date: if not, run deno task docs",
  ignore: !await exists("src/cli/commands.ts"),
  async fn() {
    for (const [path, text] of Object.entries(await generatedFiles())) {
      const there = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url)).catch(() =>
        ""
      );
      assert(there === text, `${path} is out of date: run deno task docs`);
    }
  },
});
