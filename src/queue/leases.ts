// The rules of leases: until when a host may run jobs without another word from the store, and when
// others may take it for gone. Pure. The first must always come before the second: whatever clocks
// say, since each side counts by a clock of its own that only ever runs.

/** A host, as the store shows it to others. */
export interface LeaseView {
  readonly id: string;
  /** Another one whenever it gave a sign of life. */
  readonly beat: number;
  /** How long its lease holds, in seconds. */
  readonly lease: number;
  /** Whether something on that host ends its jobs in time, come what may. */
  readonly guarded: boolean;
  /** Whether its lease has run out by the clock of the store. */
  readonly hasRunOut: boolean;
}

/** Seconds by which a host ends its jobs before its lease ends: it takes a moment. */
export function margin(lease: number): number {
  return Math.max(2, lease / 6);
}

/** Seconds between signs of life. */
export function beatEvery(lease: number): number {
  return Math.max(0.5, lease / 6);
}

/**
 * Until when jobs may run, by the clock that told `askedAt`, in seconds.
 * @param askedAt when the store was asked, not when it answered: its lease began in between
 */
export function deadline(askedAt: number, lease: number): number {
  return askedAt + lease - margin(lease);
}

/** What somebody has seen of other hosts: each beat, and since when it has been the same. */
export interface Sightings {
  /** Which start of which server. */
  readonly server: string;
  /** In milliseconds, by a clock of the one who looks. */
  readonly since: ReadonlyMap<string, { readonly beat: number; readonly at: number }>;
}

export const NOTHING_SEEN: Sightings = { server: "", since: new Map() };

/**
 * Adds a look at the hosts. Those are gone whose beat has not changed for a whole lease: the lease
 * was asked for before that beat could be seen. After a restart of the server, or on another that
 * took its place, all begin anew: nobody could give a sign of life meanwhile, and the last may be
 * missing.
 * @param now by the clock of the one who looks, in milliseconds
 */
export function look(
  before: Sightings,
  server: string,
  hosts: readonly LeaseView[],
  now: number,
): { readonly sightings: Sightings; readonly gone: readonly LeaseView[] } {
  const since = new Map<string, { beat: number; at: number }>();
  const gone: LeaseView[] = [];
  for (const host of hosts) {
    const known = before.server === server ? before.since.get(host.id) : undefined;
    const at = known?.beat === host.beat ? known.at : now;
    since.set(host.id, { beat: host.beat, at });
    if (host.guarded && host.hasRunOut && now - at >= host.lease * 1000) gone.push(host);
  }
  return { sightings: { server, since }, gone };
}
