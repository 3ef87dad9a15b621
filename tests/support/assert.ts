// @std/assert from npm's copy of it, which is plain JavaScript: here it gets its types. Where JSR
// can be reached, deno.json can map "@std/assert" to jsr:@std/assert itself; the names are the
// same.
import { assert as assertUntyped } from "deno-std/assert/assert.js";
import { assertEquals as equals } from "deno-std/assert/equals.js";
import { assertNotEquals as notEquals } from "deno-std/assert/not_equals.js";
import { assertMatch as match } from "deno-std/assert/match.js";
import { assertRejects as rejects } from "deno-std/assert/rejects.js";
import { assertStringIncludes as stringIncludes } from "deno-std/assert/string_includes.js";
import { assertThrows as throws } from "deno-std/assert/throws.js";

// deno-lint-ignore no-explicit-any -- a constructor of any error
type ErrorClass<E extends Error> = new (...args: any[]) => E;

export const assert: (condition: unknown, message?: string) => asserts condition = assertUntyped;
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = equals;
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void = notEquals;
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void = match;
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  stringIncludes;
export const assertThrows = throws as <E extends Error = Error>(
  action: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
) => E;
export const assertRejects = rejects as <E extends Error = Error>(
  action: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
) => Promise<E>;
