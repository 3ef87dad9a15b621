// The API over a world in memory, without a socket: requests go straight to the handler.
import { newJobFrom } from "../../src/cli/batch/batch_lines.ts";
import { Access } from "../../src/serve/access.ts";
import type { Listen } from "../../src/serve/listen.ts";
import type { ServeOptions } from "../../src/serve/parts.ts";
import { openServer, type Server } from "../../src/serve/server.ts";
import { World } from "./world.ts";

export const TOKEN = "the-token";
export const HOST = "127.0.0.1:7878";

export interface Asking {
  /** Undefined: none is shown. */
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly host?: string;
}

export interface ApiWorldOptions extends Partial<ServeOptions> {
  readonly searchTime?: number;
  readonly token?: string | undefined;
  readonly listen?: Listen;
  readonly names?: readonly string[];
}

export class ApiWorld {
  readonly world: World;
  readonly access: Access;
  readonly server: Server;
  readonly warnings: string[];

  private constructor(world: World, access: Access, server: Server, warnings: string[]) {
    this.world = world;
    this.access = access;
    this.server = server;
    this.warnings = warnings;
  }

  static async open(options: ApiWorldOptions = {}): Promise<ApiWorld> {
    const { readOnly = false, allowEnqueue = false, publicMetrics = false } = options;
    const world = new World();
    const warnings: string[] = [];
    const access = await Access.of("token" in options ? options.token : TOKEN);
    let ids = 0;
    const server = await openServer({
      store: world.openStore(),
      access,
      listen: options.listen ?? { hostname: "127.0.0.1", port: 7878 },
      names: options.names ?? [],
      options: { readOnly, allowEnqueue, publicMetrics },
      ...(options.searchTime !== undefined && { searchTime: options.searchTime }),
      version: "1.2.3",
      now: () => world.now,
      newId: () => `new-${++ids}`,
      sleep: async (milliseconds) => {
        await world.meanwhile();
        world.now += milliseconds;
      },
      readNewJob: (json, now) => Promise.resolve(newJobFrom(json, { cwd: "/here" }, now)),
      endOrphan: async (_, { id }) => await world.onEndOrphan(id),
      warn: (message) => void warnings.push(message),
    });
    return new ApiWorld(world, access, server, warnings);
  }

  ask(method: string, path: string, body?: unknown, asking: Asking = {}): Promise<Response> {
    const { host = HOST, headers = {} } = asking;
    const token = "token" in asking ? asking.token : TOKEN;
    const text = typeof body === "string" ? body : body === undefined ? null : JSON.stringify(body);
    return this.server.handle(
      new Request(`http://${host}${path}`, {
        method,
        body: text,
        headers: {
          ...(text !== null && { "content-type": "application/json" }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
      }),
    );
  }

  get(path: string, asking: Asking = {}): Promise<Response> {
    return this.ask("GET", path, undefined, asking);
  }

  // deno-lint-ignore no-explicit-any -- each test says what it expects
  async json(path: string): Promise<any> {
    return await (await this.get(path)).json();
  }

  /** Changes something. @returns the status, and the answer */
  // deno-lint-ignore no-explicit-any
  async post(path: string, body: unknown = {}, asking: Asking = {}): Promise<[number, any]> {
    const answer = await this.ask("POST", path, body, asking);
    return [answer.status, await answer.json()];
  }
}

/** Gives a test the API over a new world, and closes it. */
export async function withApi(
  test: (api: ApiWorld) => Promise<void>,
  options: ApiWorldOptions = {},
): Promise<void> {
  const api = await ApiWorld.open(options);
  try {
    await test(api);
  } finally {
    await api.server.close();
  }
}

/** The code in an answer that says why not. */
export async function codeOf(answer: Response): Promise<[number, string]> {
  return [answer.status, (await answer.json()).error.code];
}
