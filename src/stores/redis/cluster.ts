// Which node of a cluster has a queue: all keys of one are on one node, by the braces in their names.
import { ErrorReply, type Wire } from "./driver.ts";
import type { Address } from "./socket.ts";

/** The node that has this key, if it is another one than that at `from`, which the wire leads to. */
export async function otherNode(
  wire: Wire,
  key: string,
  from: Address,
): Promise<Address | undefined> {
  try {
    await wire.ask(["EXISTS", key]);
    return undefined;
  } catch (error) {
    if (!isMoved(error)) throw error;
    // "MOVED 9930 10.0.0.1:6379"
    const place = error.message.split(" ")[2] ?? "";
    const colon = place.lastIndexOf(":");
    const host = place.slice(0, colon);
    // Where nodes are to be called by names, one without a name is "?".
    return at(from, host === "?" ? "" : host, Number(place.slice(colon + 1)));
  }
}

/** Whether the server says that another node of its cluster has the key. */
export function isMoved(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply && error.word === "MOVED";
}

/**
 * All nodes that the one at `from` knows, itself first, but for those that have failed; it alone where
 * the user may not ask. At last the one that was `named`.
 */
export async function nodesOf(wire: Wire, from: Address, named: Address): Promise<Address[]> {
  let text = "";
  try {
    text = String(await wire.ask(["CLUSTER", "NODES"]));
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error;
  }
  const nodes = new Map([[nameOf(from), from]]);
  // "<id> 10.0.0.1:6379@16379,name.example flags …"; hosts are named by either, as the cluster is set.
  const lines = text.matchAll(/^\S+ (\S*):(\d+)@\d+(?:,([^\s,]+))?\S* (\S+)/gm);
  for (const [, ip, port, name, flags] of lines) {
    if (flags!.split(",").includes("fail")) continue;
    // The name first: with TLS the certificate may be for that alone.
    for (const host of [name, ip]) {
      const node = at(from, host, Number(port));
      if (host && !nodes.has(nameOf(node))) nodes.set(nameOf(node), node);
    }
  }
  if (!nodes.has(nameOf(named))) nodes.set(nameOf(named), named);
  return [...nodes.values()];
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}

/** Another place, reached in the same way. A node that does not know its own host leaves it out. */
function at(from: Address, host: string | undefined, port: number): Address {
  return { ...from, host: host || from.host, port };
}
