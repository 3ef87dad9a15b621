// What users should know of how a server is set up, by what it tells of itself. Pure.
import type { Info } from "./greeting.ts";

interface Wanted {
  /** What users call the server. */
  readonly name: string;
  /** How many replicas are to have what is acknowledged. */
  readonly replicas?: number | undefined;
}

/** A sentence each; nothing if all is well. What makes a server unfit is in greeting.ts. */
export function cautionsOf(info: Info, { name, replicas = 0 }: Wanted): string[] {
  const cautions: string[] = [];
  if (info.get("aof_enabled") === "0") {
    cautions.push(
      `${name} keeps no log of changes (appendonly no): when it stops at once, it loses jobs and ` +
        "what became of them; see docs/redis.md",
    );
  }
  const policy = info.get("maxmemory_policy") ?? "";
  if (policy.startsWith("allkeys")) {
    cautions.push(
      `${name} would throw away jobs if its memory were limited (maxmemory-policy ${policy}); ` +
        "set noeviction there",
    );
  }
  const few = fewReplicas(info, replicas);
  return few === undefined ? cautions : [...cautions, `${name}: ${few}`];
}

/** Seconds after which a replica that has said nothing counts for none; it says each second where it is. */
const SILENT = 10;

/** What to say where fewer replicas follow than are wanted. */
export function fewReplicas(info: Info, wanted: number): string | undefined {
  const following = [...info].filter(([key, text]) => {
    if (!/^slave\d+$/.test(key)) return false;
    const lag = /\blag=(\d+)/.exec(text)?.[1];
    return text.includes("state=online") && lag !== undefined && Number(lag) <= SILENT;
  }).length;
  if (following >= wanted) return undefined;
  return `${following} of ${wanted} wanted replicas follow it; until they do, a failover may lose ` +
    "what is recorded";
}
