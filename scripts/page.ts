// The dashboard's page, bundled: page/ becomes src/serve/page/, which is committed, so that nobody
// needs a bundler to run or build the program. deno task page [FOLDER]

const ROOT = new URL("..", import.meta.url).pathname;
const TARGET = "src/serve/page";

/** The files that `makePage` makes. */
export const PAGE_FILES = ["index.html", "page.css", "page.js"] as const;

/** Bundles the page into a folder. */
export async function makePage(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await bundle("page/main.tsx", `${folder}/page.js`);
  await bundle("page/styles/page.css", `${folder}/page.css`);
  await Deno.copyFile(`${ROOT}page/index.html`, `${folder}/index.html`);
}

async function bundle(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", "--output", to, from],
    cwd: ROOT,
    stdout: "null",
  }).output();
  if (!success) throw new Error(`Cannot bundle ${from}: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) await makePage(Deno.args[0] ?? `${ROOT}${TARGET}`);
