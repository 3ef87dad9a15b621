// Which folder may import which (src/README.md), by Deno's own analysis of the imports, lazy ones
// included.
import { assertEquals } from "@std/assert";

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  queue: [],
  system: [],
  view: ["queue"],
  stores: ["queue", "system"],
  exec: ["queue/outcome.ts", "system"],
  worker: ["queue", "exec", "system"],
  serve: ["queue", "system", "view", "stores/store.ts"],
  // Of stores nothing but what each of them is: main.ts hands over the one that is used.
  cli: ["queue", "system", "view", "stores/store.ts", "exec", "worker", "serve"],
};
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  queue: ["croner"],
  stores: [
    "pg/lib/client.js",
    "@redis/client/dist/lib/RESP/decoder.js",
    "@redis/client/dist/lib/RESP/encoder.js",
  ],
  view: ["fast-string-truncated-width"],
  cli: ["valibot"],
};

interface Module {
  readonly specifier: string;
  readonly dependencies?: {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

const root = new URL("..", import.meta.url).href;

/** Each module of ours, by its path in the project, with what it imports. */
async function graph(entry: string): Promise<Map<string, string[]>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${root}${entry}`],
  })
    .output();
  const modules = new Map<string, string[]>();
  for (
    const { specifier, dependencies = [] } of JSON.parse(new TextDecoder().decode(stdout))
      .modules as Module[]
  ) {
    if (!specifier.startsWith(root)) continue;
    const imports = dependencies.map(({ specifier: written, code, type }) => {
      const target = code?.specifier ?? type?.specifier ?? written;
      return target.startsWith(root) ? target.slice(root.length) : written;
    });
    modules.set(specifier.slice(root.length), imports);
  }
  return modules;
}

const modules = await graph("main.ts");

Deno.test("imports go only where src/README.md allows", () => {
  const wrong: string[] = [];
  for (const [path, targets] of modules) {
    const folder = /^src\/([^/]+)\//.exec(path)?.[1];
    if (folder === undefined) continue;
    for (const target of targets) {
      const inside = /^src\/(([^/]+)\/.+)$/.exec(target);
      const allowed = inside === null ? PACKAGES[folder]?.includes(target) : inside[2] === folder ||
        ALLOWED[folder]?.some((name) => name === inside[2] || name === inside[1]);
      if (allowed !== true) wrong.push(`${path} -> ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("imports form no cycle", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    if (done.has(path) || way.includes(path)) return;
    for (const target of modules.get(path) ?? []) {
      visit(target, [...way, path]);
    }
    done.add(path);
  };
  for (const path of modules.keys()) visit(path, []);
  assertEquals(cycles, []);
});

Deno.test("imports of node: built-ins, which cost each start 10 ms and more, are found nowhere", () => {
  const found = [...modules].filter(([, imports]) =>
    imports.some((target) => target.startsWith("node:"))
  );
  assertEquals(found.map(([path]) => path), []);
});

Deno.test("the page takes types and pure functions of the program, and no packages but its own", async () => {
  const allowed = ["queue/job.ts", "queue/job_json.ts", "view/times.ts", "view/escape.ts"]
    .map((path) => `src/${path}`);
  const wrong: string[] = [];
  for (const [path, targets] of await graph("page/main.tsx")) {
    if (!path.startsWith("page/")) continue;
    for (const target of targets) {
      const isFine = target.startsWith("page/") || allowed.includes(target) ||
        /^(?:preact|@preact\/signals)(?:\/|$)/.test(target);
      if (!isFine) wrong.push(`${path} -> ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("import() loads a module only when it is called, which an undocumented option of Deno does", async () => {
  const data = await Deno.makeTempDir({ prefix: "queuectl-test-" });
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      // What is loaded at the start needs no permission; what is loaded later has to be read.
      args: ["run", "--no-prompt", "--cached-only", "--config", new URL("deno.json", root).pathname]
        .concat(`--allow-read=${data}`, `--allow-write=${data}`, "--allow-env", "--allow-sys=uid")
        .concat(`${root}main.ts`, "list", `--data-dir=${data}`),
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals([code, /Requires read access to "[^"]*\/src\/cli\//.test(said)], [1, true], said);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
