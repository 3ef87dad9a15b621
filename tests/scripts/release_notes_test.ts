import { assertEquals } from "@std/assert";
import { releasedVersions, releaseNotes } from "../../scripts/release_notes.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

## [0.2.0] - 2026-03-01

### Added

- Two

## [0.1.0] - 2026-01-01

- One

[0.1.0]: https://example.org
`;

Deno.test("releaseNotes() is a version's section, and no other's", () => {
  assertEquals(releaseNotes(CHANGELOG, "0.2.0"), "### Added\n\n- Two\n");
  assertEquals(releaseNotes(CHANGELOG, "0.1.0"), "- One\n");
});

Deno.test("releaseNotes() is undefined for a version that is not there or has nothing to say", () => {
  assertEquals(releaseNotes(CHANGELOG, "0.1"), undefined);
  assertEquals(releaseNotes(CHANGELOG, "Unreleased"), undefined);
});

Deno.test("the newest release in CHANGELOG.md is the version in deno.json", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(`../../${name}`, import.meta.url));
  const [newest] = releasedVersions(await read("CHANGELOG.md"));
  assertEquals(newest, JSON.parse(await read("deno.json")).version);
});
