// The OpenAPI document, made of the table of routes.
import type { Param, Route } from "./route.ts";
import type { Schema } from "./schema.ts";
import { ref, SCHEMAS } from "./schemas.ts";

/** OpenAPI 3.1. */
export function openApi(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "queuectl",
      version,
      description: "What queuectl serve answers. Changes need JSON, and never a foreign Origin.",
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
    security: [{ token: [] }],
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const { summary, query = [], body, answer, open } = route;
  const names = [...route.path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name!);
  return {
    summary,
    ...(open === "always" && { security: [] }),
    parameters: [
      ...names.map((name) => ({
        name,
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
      ...query.map(parameterOf),
    ],
    ...(body !== undefined && {
      requestBody: { required: true, content: contentOf("application/json", body) },
    }),
    responses: {
      [answer.status ?? 200]: {
        description: summary,
        content: contentOf(answer.type ?? "application/json", answer.schema),
      },
      default: { description: "Why not", content: contentOf("application/json", ref("Error")) },
    },
  };
}

function parameterOf({ name, about, kind = "text", max, repeatable = false }: Param) {
  const type = { text: "string", whole: "integer", switch: "boolean" }[kind];
  const one = { type, ...(kind === "whole" && { minimum: 1, ...(max && { maximum: max }) }) };
  const schema = repeatable ? { type: "array", items: one } : one;
  return { name, in: "query", description: about, schema };
}

function contentOf(type: string, schema?: Schema) {
  return { [type]: schema === undefined ? {} : { schema } };
}
