// The links of a Markdown text, and the anchors that its headings make. Pure.

export interface Link {
  readonly target: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Links and pictures; those in code are none. */
export function linksOf(markdown: string): Link[] {
  return proseOf(markdown).flatMap(({ text, line }) =>
    [...text.replace(/`[^`]*`/g, "").matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => ({
      target: target!,
      line,
    }))
  );
}

/** The anchors of all headings, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const { text } of proseOf(markdown)) {
    const title = /^#{1,6} +(.*)$/.exec(text)?.[1];
    if (title === undefined) continue;
    const plain = title.toLowerCase().trim().replace(/[^\p{L}\p{N}\s_-]/gu, "");
    const anchor = plain.replaceAll(" ", "-");
    let name = anchor;
    for (let n = 1; anchors.has(name); n++) name = `${anchor}-${n}`;
    anchors.add(name);
  }
  return anchors;
}

/** The lines that are not in a block of code. */
function proseOf(markdown: string): { text: string; line: number }[] {
  let isCode = false;
  return markdown.split("\n").map((text, index) => {
    const isFence = /^\s*`{3,}/.test(text);
    if (isFence) isCode = !isCode;
    return { text: isFence || isCode ? "" : text, line: index + 1 };
  });
}
