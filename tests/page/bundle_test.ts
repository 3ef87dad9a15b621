// What of the page is committed for the program.
import { assert, assertEquals } from "@std/assert";
import { makePage, PAGE_FILES } from "../../scripts/page.ts";

const committed = (name: string) =>
  Deno.readTextFile(new URL(`../../src/serve/page/${name}`, import.meta.url));

Deno.test("src/serve/page/ is what deno task page makes of page/", async () => {
  const folder = await Deno.makeTempDir({ prefix: "queuectl-test-" });
  try {
    await makePage(folder);
    for (const name of PAGE_FILES) {
      const isSame = await Deno.readTextFile(`${folder}/${name}`) === await committed(name);
      assert(isSame, `src/serve/page/${name} is not current: deno task page`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the page is under 45 kB gzipped, and names no other place", async () => {
  let size = 0;
  for (const name of PAGE_FILES) {
    const text = await committed(name);
    const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    size += (await new Response(packed).arrayBuffer()).byteLength;
    // Names of XML, and the mention of an error page, are not asked for.
    const places = text.match(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z0-9.]+/g) ?? [];
    assertEquals(places.filter((place) => !place.endsWith("//www.w3.org")), [], name);
  }
  assert(size < 45_000, `${size} bytes`);
});
