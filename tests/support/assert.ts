// The assertions that the tests use. npm's deno-std is the code of @std without usable types, so they get theirs here.

// @ts-types="./assert_types.d.ts"
export {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "npm:deno-std@1.4.0/assert/mod.js";
