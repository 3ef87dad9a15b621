// A clock that the torture can set: imported before main.ts by the program that it runs, and by
// nothing else. All of the program sees it, since it takes the place of the built-in Date. The file
// it reads holds how far it is off, in milliseconds.

const path = Deno.env.get("TORTURE_CLOCK");
/** Milliseconds for which what was read holds. */
const FRESH = 20;

const RealDate = globalThis.Date;
let offset = 0;
let readAt = -Infinity;

function now(): number {
  const at = performance.now();
  if (path !== undefined && at - readAt > FRESH) {
    readAt = at;
    try {
      offset = Number(Deno.readTextFileSync(path)) || 0;
    } catch {
      // It stays as it was.
    }
  }
  return RealDate.now() + offset;
}

class SetDate extends RealDate {
  constructor(...args: unknown[]) {
    super(...(args.length === 0 ? [now()] : args) as [number]);
  }

  static override now(): number {
    return now();
  }
}

globalThis.Date = SetDate as DateConstructor;
