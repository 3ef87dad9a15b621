// The address that `serve` listens on, and the names under which it may be asked. Pure.
import { QueueError } from "../queue/errors.ts";

export const DEFAULT_LISTEN = "127.0.0.1:7878";

export interface Listen {
  /** A literal address, or `localhost`; IPv6 without brackets, in its shortest form. */
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** @throws QueueError `usage` */
export function parseListen(text: string): Listen {
  const [, six, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  const hostname = six === undefined ? name?.toLowerCase() : shortIpv6(six);
  const isAddress = six !== undefined || hostname === "localhost" || isIpv4(hostname ?? "");
  if (hostname !== undefined && isAddress && port <= 65_535) return { hostname, port };
  throw new QueueError(
    "usage",
    `--listen takes ADDRESS:PORT, such as ${DEFAULT_LISTEN} or [::1]:7878, not "${text}"`,
  );
}

/** As a part of a URL. */
export function hostOf({ hostname, port }: Listen): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Whether only programs on this machine can reach it. */
export function isLoopback({ hostname }: Listen): boolean {
  return hostname === "localhost" || hostname === "::1" ||
    isIpv4(hostname) && hostname.startsWith("127.");
}

/**
 * Whether a Host header names us. Only this header shows that a page made its own name point here
 * (DNS rebinding): neither its Origin nor Sec-Fetch-Site is foreign. The port does not matter, so
 * that a forwarded one works (`ssh -L`): it makes no stranger's name ours.
 * @param names others that lead here, in small letters
 */
export function isOurHost(host: string, listen: Listen, names: readonly string[]): boolean {
  const [, six, name] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\s]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  const asked = six === undefined ? name?.toLowerCase() : shortIpv6(six);
  if (asked === undefined) return false;
  if (["localhost", "127.0.0.1", "::1", listen.hostname, ...names].includes(asked)) return true;
  // Whoever listens on all addresses has those of the machine; no name can be rebound to a literal.
  const isAny = listen.hostname === "0.0.0.0" || listen.hostname === "::";
  return isAny && (six !== undefined || isIpv4(asked));
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** An IPv6 address as URLs have it, in its shortest form; undefined if it is none. */
function shortIpv6(text: string): string | undefined {
  return URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
}
