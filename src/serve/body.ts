// The JSON that a request brings: limited in size and time.
import { Problem } from "./answer.ts";
import { forMilliseconds } from "./deadline.ts";

const MOST_BYTES = 1024 * 1024;
/** Milliseconds. */
const LONGEST = 10_000;

/** @throws Problem if it is not JSON, no object, too much, or too slow */
export async function bodyOf(request: Request): Promise<object> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new Problem(415, "not_json", "A change needs Content-Type: application/json");
  }
  const text = await textOf(request);
  const body = text.trim() === "" ? {} : parsed(text);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new Problem(400, "usage", "the body takes an object");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(400, "usage", `The body is not JSON: ${(error as Error).message}`);
  }
}

async function textOf({ body, headers }: Request): Promise<string> {
  const tooLarge = new Problem(413, "too_large", `A body has at most ${MOST_BYTES} bytes`);
  if (Number(headers.get("content-length") ?? 0) > MOST_BYTES) throw tooLarge;
  if (body === null) return "";
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  return await forMilliseconds(LONGEST, async (late) => {
    late.addEventListener("abort", () => void reader.cancel().catch(() => {}));
    for (;;) {
      const { done, value } = await reader.read();
      if (late.aborted) throw new Problem(408, "too_slow", "The body took too long");
      if (done) break;
      size += value.length;
      if (size > MOST_BYTES) {
        void reader.cancel().catch(() => {});
        throw tooLarge;
      }
      parts.push(value);
    }
    try {
      const bytes = await new Blob(parts as BlobPart[]).bytes();
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new Problem(400, "usage", "The body is not UTF-8 text");
    }
  });
}
