// The shell blocks of a Markdown text, and what they say that they print. Pure.

export interface Block {
  /** The line of its first command, counted from 1. */
  readonly line: number;
  readonly steps: readonly Step[];
}

/**
 * Commands, and the end of what they print, if the block says so: a `# →` in front of each line.
 */
export interface Step {
  readonly script: string;
  readonly printed: readonly string[] | undefined;
}

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/**
 * The sections that have blocks marked as `sh`, by their headings, in order. A comment `<!--
 * before: COMMAND -->` above a block prepares what the block takes as given.
 */
export function sectionsOf(markdown: string): Section[] {
  const sections: { title: string; blocks: Block[] }[] = [];
  let title = "";
  let before: string | undefined;
  let fence: { mark: string; isShell: boolean; line: number; lines: string[] } | undefined;
  markdown.split("\n").forEach((text, index) => {
    if (fence === undefined) {
      const opening = /^(\s*`{3,})(\S*)/.exec(text);
      if (opening !== null) {
        fence = { mark: opening[1]!, isShell: opening[2] === "sh", line: index + 2, lines: [] };
      } else if (/^#{1,6} /.test(text)) title = text.replace(/^#+ /, "");
      before = /^<!-- before: (.*) -->$/.exec(text)?.[1] ?? before;
      return;
    }
    if (text.trimEnd() !== fence.mark) {
      fence.lines.push(text);
      return;
    }
    if (fence.isShell) {
      if (sections.at(-1)?.title !== title) sections.push({ title, blocks: [] });
      const given = before === undefined ? [] : [{ script: before, printed: undefined }];
      sections.at(-1)!.blocks.push({
        line: fence.line,
        steps: [...given, ...stepsOf(fence.lines)],
      });
      before = undefined;
    }
    fence = undefined;
  });
  return sections;
}

function stepsOf(lines: readonly string[]): Step[] {
  const steps: Step[] = [];
  let script: string[] = [];
  let printed: string[] = [];
  const end = () => {
    if (script.length > 0) {
      steps.push({ script: script.join("\n"), printed: printed.length > 0 ? printed : undefined });
    }
    script = [];
    printed = [];
  };
  for (const line of lines) {
    const said = /^# → ?(.*)$/.exec(line);
    if (said !== null) printed.push(said[1]!);
    else {
      if (printed.length > 0) end();
      script.push(line);
    }
  }
  end();
  return steps;
}

/**
 * Whether a text ends with these lines. A `…` in a line stands for anything, and for nothing; a
 * line that is `…` alone for any number of lines. Blanks at the ends of lines, and how many there
 * are within, don't count.
 */
export function endsWith(text: string, printed: readonly string[]): boolean {
  const pattern = printed.map((line) => line.trim() === "…" ? "(?:.*\n)*" : patternOf(line) + "\n")
    .join("");
  const tidy = text.split("\n").map((line) => line.trimEnd().replace(/[ \t]+/g, " ")).join("\n");
  return new RegExp(`(?:^|\n)${pattern}$`).test(tidy.replace(/\n*$/, "\n"));
}

function patternOf(line: string): string {
  const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return line.trimEnd().replace(/[ \t]+/g, " ").split("…").map(literal).join(".*");
}
