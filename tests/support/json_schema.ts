// As much of JSON Schema as src/serve/schemas.ts uses.
import type { Schema } from "../../src/serve/schema.ts";
import { SCHEMAS } from "../../src/serve/schemas.ts";

/** What is wrong with a value, by where it is; undefined if it is as the schema says. */
export function flawIn(value: unknown, schema: Schema, where = "$"): string | undefined {
  const { $ref, type, format, properties = {}, required = [], additionalProperties, items } =
    schema;
  if ($ref !== undefined) {
    const named = (SCHEMAS as Record<string, Schema>)[$ref.split("/").at(-1)!];
    return named === undefined ? `${where}: no schema ${$ref}` : flawIn(value, named, where);
  }
  const types = type === undefined ? undefined : [type].flat();
  const is = typeOf(value);
  const fits = types === undefined || types.includes(is) ||
    is === "integer" && types.includes("number");
  if (!fits) return `${where}: ${is}, not ${types}`;
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) {
    return `${where}: ${value} is none of ${schema.enum}`;
  }
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
  if (format === "date-time" && is === "string" && !isTime.test(value as string)) {
    return `${where}: ${value} is no time`;
  }
  if (is === "array" && items !== undefined) {
    return firstFlaw((value as unknown[]).map((one, i) => flawIn(one, items, `${where}[${i}]`)));
  }
  if (is !== "object") return undefined;
  const object = value as Record<string, unknown>;
  return firstFlaw([
    ...required.filter((name) => !(name in object)).map((name) => `${where}.${name} is missing`),
    ...Object.entries(object).map(([name, one]) => {
      const inside = `${where}.${name}`;
      if (name in properties) return flawIn(one, properties[name]!, inside);
      if (typeof additionalProperties === "object") {
        return flawIn(one, additionalProperties, inside);
      }
      // What answers have has to be described.
      return Object.keys(properties).length === 0 ? undefined : `${inside} is not described`;
    }),
  ]);
}

function firstFlaw(flaws: (string | undefined)[]): string | undefined {
  return flaws.find((flaw) => flaw !== undefined);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
