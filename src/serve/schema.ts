// Pieces that descriptions of JSON are made of (JSON Schema).

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

export const text: Schema = { type: "string" };
export const textOrNull: Schema = { type: ["string", "null"] };
export const whole: Schema = { type: "integer" };
export const wholeOrNull: Schema = { type: ["integer", "null"] };
export const number: Schema = { type: "number" };
export const yes: Schema = { type: "boolean" };
export const time: Schema = { type: "string", format: "date-time" };
export const timeOrNull: Schema = { type: ["string", "null"], format: "date-time" };
export const anything: Schema = {};

export function listOf(items: Schema): Schema {
  return { type: "array", items };
}

/** An object that always has all of these. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties, required: Object.keys(properties) };
}

/** An object that has some of the first, and all of the second. */
export function objectWith(
  some: Readonly<Record<string, Schema>>,
  all: Readonly<Record<string, Schema>>,
): Schema {
  return { type: "object", properties: { ...some, ...all }, required: Object.keys(all) };
}

export function mapOf(additionalProperties: Schema): Schema {
  return { type: "object", additionalProperties };
}
