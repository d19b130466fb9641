// The API's own description, OpenAPI 3.1, made of the operations' table.

import { API_ERRORS } from "./errors.ts";
import { expand, type FullSchema, isShapeName } from "./expand.ts";
import { parametersOf } from "./input.ts";
import type { OperationEntry } from "./operation.ts";
import { OPERATION_GROUPS } from "./operations/index.ts";
import type { Kind, Schema, ShapeName } from "./schema.ts";
import { SHAPES } from "./shapes.ts";

type Json = Readonly<Record<string, unknown>>;

export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { title, operations } of OPERATION_GROUPS) {
    for (const entry of operations) {
      const methods = (paths[entry.path] ??= {});
      methods[entry.method.toLowerCase()] = describe(entry, title);
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Ashlar",
      version,
      description: "What the console and the command line call. Instants are RFC 3339 text, lengths are bytes.",
    },
    tags: OPERATION_GROUPS.map(({ title }) => ({ name: title })),
    security: [{ session: [] }, { signature: [] }],
    paths,
    components: {
      schemas: shapesUnder({ paths, error: jsonSchema("Error") }),
      responses: {
        Error: {
          description: `The request failed. Codes of the API itself: ${Object.keys(API_ERRORS).join(", ")}.`,
          content: { "application/json": { schema: jsonSchema("Error") } },
        },
      },
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: "ashlar-session", description: "From `login`." },
        signature: {
          type: "apiKey",
          in: "header",
          name: "Authorization",
          description: "AWS Signature Version 4, service `ashlar`. JSON bodies are part of the signature.",
        },
      },
    },
  };
}

/** The shapes that a part of the document refers to, and those that they refer to. */
function shapesUnder(part: Json): Json {
  const schemas: Record<string, Json> = {};
  const collect = (described: Json): void => {
    for (const [, name] of JSON.stringify(described).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (schemas[name!] !== undefined) continue;
      schemas[name!] = plainJsonSchema(SHAPES[name as ShapeName]);
      collect(schemas[name!]!);
    }
  };
  collect(part);
  return schemas;
}

/** JSON Schema 2020-12; a shape is referred to by its name. */
export function jsonSchema(schema: Schema): Json {
  if (typeof schema === "string" && isShapeName(schema)) return { $ref: `#/components/schemas/${schema}` };
  return plainJsonSchema(expand(schema));
}

function plainJsonSchema(schema: FullSchema): Json {
  const described = schema.description === undefined ? {} : { description: schema.description };
  switch (schema.type) {
    case "list": {
      const { items, minItems, maxItems } = schema;
      const limits = { ...(minItems !== undefined && { minItems }), ...(maxItems !== undefined && { maxItems }) };
      return { type: "array", ...described, items: jsonSchema(items), ...limits };
    }
    case "map": {
      const limit = schema.entriesMax === undefined ? {} : { maxProperties: schema.entriesMax };
      return { type: "object", ...described, additionalProperties: jsonSchema(schema.values), ...limit };
    }
    case "object": {
      const { properties, optional = [] } = schema;
      const required = Object.keys(properties).filter((name) => !optional.includes(name));
      const entries = Object.entries(properties).map(([name, each]) => [name, jsonSchema(each)]);
      return {
        ...{ type: "object", ...described, properties: Object.fromEntries(entries) },
        ...(required.length > 0 && { required }),
        additionalProperties: false,
      };
    }
    default: {
      const { type, nullable, ...rest } = schema;
      const kind = KINDS[type];
      return { ...kind, ...rest, ...(nullable === true && { type: [kind["type"], "null"] }) };
    }
  }
}

const KINDS: Readonly<Record<Kind, Json>> = {
  text: { type: "string" },
  instant: { type: "string", format: "date-time" },
  url: { type: "string", format: "uri" },
  flag: { type: "boolean" },
  integer: { type: "integer" },
  bytes: { type: "integer", minimum: 0 },
  count: { type: "integer", minimum: 0 },
  rate: { type: "number", minimum: 0 },
  millis: { type: "number", minimum: 0 },
  octets: {
    oneOf: [
      { type: "string", description: "UTF-8." },
      {
        type: "object",
        properties: { base64: { type: "string", contentEncoding: "base64" } },
        required: ["base64"],
        additionalProperties: false,
      },
    ],
  },
  any: {},
};

function describe(entry: OperationEntry, tag: string): Json {
  const { name, summary, notes = [], access, body } = entry;
  return {
    operationId: name,
    tags: [tag],
    summary,
    description: [...notes, accessText(access)].join("\n"),
    ...(access === "public" && { security: [] }),
    parameters: [...pathParameters(entry), ...queryParameters(entry)],
    ...(body !== undefined && { requestBody: requestBody(body) }),
    responses: { ...successOf(entry), default: { $ref: "#/components/responses/Error" } },
  };
}

/** Who may call, in words. */
export function accessText(access: OperationEntry["access"]): string {
  if (access === "public") return "Needs no credential.";
  if (access === "signed in") return "Needs a credential.";
  if (access === "root") return "Needs the root key.";
  if ("each" in access) {
    return `Needs ${access.each.map((action) => `\`${action}\``).join(" or ")} for each ${access.item ?? "object"}.`;
  }
  const version = access.versionAction === undefined ? "" : `, of a version \`${access.versionAction}\``;
  return `Needs \`${access.action}\`${version}.`;
}

function pathParameters({ path }: OperationEntry): Json[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => {
    return { name, in: "path", required: true, schema: { type: "string" } };
  });
}

function queryParameters({ query }: OperationEntry): Json[] {
  const { properties, optional = [] } = parametersOf(query);
  return Object.entries(properties).map(([name, schema]) => {
    return { name, in: "query", required: !optional.includes(name), schema: parameterSchema(schema) };
  });
}

/** A query has no objects: bytes stand in it as they are, escaped. */
function parameterSchema(schema: Schema): Json {
  const full = expand(schema);
  return full.type === "octets" ? plainJsonSchema({ ...full, type: "text" }) : jsonSchema(schema);
}

function requestBody(body: NonNullable<OperationEntry["body"]>): Json {
  if (body === "stream") return { required: true, content: { "application/octet-stream": {} } };
  const schema = expand(body);
  const optional = schema.type === "object" ? (schema.optional ?? []) : [];
  const required = schema.type === "object" && Object.keys(schema.properties).some((name) => !optional.includes(name));
  return { required, content: { "application/json": { schema: jsonSchema(body) } } };
}

function successOf({ reply, status }: OperationEntry): Json {
  switch (reply) {
    case "none":
      return { "204": { description: "Done." } };
    case "stream":
      return { "200": { description: "The bytes.", content: { "application/octet-stream": {} } } };
    case "events":
      return { "200": { description: "The stream.", content: { "text/event-stream": {} } } };
    default: {
      const schema = jsonSchema(reply);
      return { [String(status ?? 200)]: { description: "Done.", content: { "application/json": { schema } } } };
    }
  }
}
