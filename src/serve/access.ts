// Who may do what: the token, the cookie and the one-time code that stand for it, and from where a
// change may come. Knows requests by their headers alone.

/** Milliseconds for which a code that was printed can be used. */
const CODE_LASTS = 24 * 3600_000;

const encoder = new TextEncoder();

/** Random text that is safe in URLs and headers: 256 bits. */
export function randomToken(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** What a request shows of who sent it. */
export type Shown = "token" | "cookie" | "nothing";

/** The one token, and what stands for it. */
export class Access {
  readonly #token: string | undefined;
  readonly #cookie: string;
  readonly #codes = new Map<string, number>();

  private constructor(token: string | undefined, cookie: string) {
    this.#token = token;
    this.#cookie = cookie;
  }

  /** @param token undefined: everybody may look */
  static async of(token: string | undefined): Promise<Access> {
    const key = encoder.encode(token ?? randomToken());
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const signer = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
    // Not the token itself: what a browser keeps tells nothing of it.
    const cookie = await crypto.subtle.sign("HMAC", signer, encoder.encode("queuectl cookie"));
    return new Access(token, new Uint8Array(cookie).toHex());
  }

  get isOpen(): boolean {
    return this.#token === undefined;
  }

  /** A code that can be exchanged for the cookie, once. */
  newCode(now: number): string {
    const code = randomToken();
    this.#codes.set(code, now + CODE_LASTS);
    return code;
  }

  /** Whether a code is good. From now on it is not. */
  spend(code: string, now: number): boolean {
    const until = this.#codes.get(code);
    this.#codes.delete(code);
    return until !== undefined && now < until;
  }

  isToken(text: string): boolean {
    return this.#token !== undefined && isSame(text, this.#token);
  }

  /** What a request shows. */
  shownBy(headers: Headers, port: number): Shown {
    const bearer = /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (bearer !== undefined && this.isToken(bearer)) return "token";
    const cookies = cookiesIn(headers.get("cookie") ?? "", cookieName(port));
    return cookies.some((one) => isSame(one, this.#cookie)) ? "cookie" : "nothing";
  }

  /** The header that gives a browser the cookie. */
  setCookie(port: number): string {
    return `${cookieName(port)}=${this.#cookie}; Path=/; HttpOnly; SameSite=Strict`;
  }
}

/** Cookies know no ports: two `serve`s on one host must not overwrite each other's. */
function cookieName(port: number): string {
  return `queuectl_${port}`;
}

/** A page on another port can set one of the same name, which must not hide ours. */
function cookiesIn(header: string, name: string): string[] {
  return header.split(";")
    .map((part) => part.trim().split("=", 2))
    .flatMap(([key, value]) => key === name && value !== undefined ? [value] : []);
}

/** Takes as long whether the texts differ at the beginning or at the end. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  let differs = left.length ^ right.length;
  for (let i = 0; i < left.length; i++) differs |= left[i]! ^ right[i % right.length]!;
  return differs === 0;
}

/**
 * Whether a browser sent it from a page that is not ours. A page on another port of this host is
 * "same-site", and cookies are sent along with what it asks for.
 * @param host as the request has it
 */
export function isForeign(headers: Headers, host: string): boolean {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  if (site === "same-origin") return false;
  if (origin !== null) return origin !== `http://${host}` && origin !== `https://${host}`;
  return site !== null && site !== "none";
}

/**
 * Whether a change that shows the cookie comes from our page: browsers say so in at least one of
 * two headers. Whoever shows the token itself is no page of a stranger.
 */
export function isOurs(headers: Headers, host: string): boolean {
  const says = headers.get("sec-fetch-site") === "same-origin" || headers.get("origin") !== null;
  return says && !isForeign(headers, host);
}
