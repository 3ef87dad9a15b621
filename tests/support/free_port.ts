// Ports for servers of tests, outside of those that the system gives to whoever connects.

/** A port that is free, as is the one 10,000 beyond, on which nodes of Redis talk to one another. */
export function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      for (const one of [port, port + 10_000]) {
        Deno.listen({ hostname: "127.0.0.1", port: one }).close();
      }
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
