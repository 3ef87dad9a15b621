// The changelog's section of a release, for its page.
//   deno task release:notes v0.1.0
import { pathOfUrl } from "../src/system/self.ts";

/** The versions of a changelog (https://keepachangelog.com), newest first. */
export function releasedVersions(changelog: string): string[] {
  return Array.from(changelog.matchAll(/^## \[(\d[^\]]*)\]/gm), ([, version]) => version!);
}

/** The section of `version` without its heading; undefined if there is none, or it is empty. */
export function releaseNotes(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  const notes = section?.replace(/^.*\n/, "").replace(/^\[[^\]]+\]: \S+$/gm, "").trim();
  return notes ? `${notes}\n` : undefined;
}

async function main([tag]: readonly string[]): Promise<string> {
  const root = pathOfUrl(new URL("..", import.meta.url).href);
  const { version } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  if (tag !== `v${version}`) throw new Error(`The tag is ${tag}, but deno.json says ${version}`);
  const notes = releaseNotes(await Deno.readTextFile(`${root}/CHANGELOG.md`), version);
  if (notes === undefined) throw new Error(`CHANGELOG.md has no section for ${version}`);
  return notes;
}

if (import.meta.main) {
  try {
    await Deno.stdout.write(new TextEncoder().encode(await main(Deno.args)));
  } catch (error) {
    await Deno.stderr.write(new TextEncoder().encode(`${(error as Error).message}\n`));
    Deno.exit(1);
  }
}
