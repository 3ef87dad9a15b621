// The socket to a Redis server: a path, or a host and port, with TLS or without. Knows nothing of what is
// said on it.
import type { ClientCertificate } from "../shared/handover.ts";

export interface Tls {
  /** The certificates of trusted authorities (CA); undefined for those that are built in. */
  readonly certificates: string | undefined;
  readonly client?: ClientCertificate | undefined;
}

/** Where the server is. */
export interface Address {
  /** A name, an address, or the path of a socket. */
  readonly host: string;
  readonly port: number;
  readonly tls?: Tls | undefined;
}

/** The connection has ended, by whichever side. */
export class ConnectionEnded extends Error {
  /** What to do about it, if that is known. */
  hint: string | undefined;
}

/** Something is there, but has not answered as TLS does: it is stopped, or does not know it. */
export class NoTls extends ConnectionEnded {
  override hint = "If it is a server without TLS, begin the URL with redis:";
}

/** It has ended the connection at the first words, which were not in TLS: that may be what it wants. */
export class NoGreeting extends ConnectionEnded {
  override hint = "If it is a server with TLS, begin the URL with rediss:";
}

/** @param signal gives up */
export async function connect(
  { host, port, tls }: Address,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  if (host.startsWith("/")) return await Deno.connect({ transport: "unix", path: host });
  if (tls?.client !== undefined) {
    return await handshaken(await connectAs(host, port, tls, tls.client, signal), signal);
  }
  const socket = await Deno.connect({ hostname: host, port, signal });
  socket.setKeepAlive();
  socket.setNoDelay();
  if (tls === undefined) return socket;
  return await handshaken(await Deno.startTls(socket, { hostname: host, ...trusted(tls) }), signal);
}

/**
 * A connection that shows a certificate, which Deno can't do on a socket that is there already. So it
 * can't be given up under way, and no options of the socket can be set: without `setNoDelay`, what is
 * said first waits for 40 ms.
 */
async function connectAs(
  hostname: string,
  port: number,
  tls: Tls,
  { certificate: cert, key }: ClientCertificate,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  const connecting = Deno.connectTls({ hostname, port, cert, key, ...trusted(tls) });
  try {
    return await Promise.race([connecting, aborted]);
  } catch (error) {
    connecting.then((late) => late.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function trusted({ certificates }: Tls): { caCerts?: string[] } {
  return certificates === undefined ? {} : { caCerts: [certificates] };
}

async function handshaken(secure: Deno.TlsConn, signal: AbortSignal): Promise<Deno.TlsConn> {
  let isOpen = true;
  const giveUp = () => {
    if (isOpen) secure.close();
    isOpen = false;
  };
  signal.addEventListener("abort", giveUp);
  try {
    await secure.handshake();
  } catch (error) {
    giveUp();
    if (error instanceof Error && isOfCertificate(error)) throw error;
    throw new NoTls("it does not answer in TLS", { cause: error });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return secure;
}

/** Whether the other side has said, or it was found here, that a certificate is not as it should be. */
export function isOfCertificate({ message }: Error): boolean {
  return /certificate|fatal alert: UnknownCA/i.test(message);
}
