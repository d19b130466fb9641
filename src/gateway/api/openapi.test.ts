import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openApiDocument } from "./openapi.ts";
import { OPERATION_ENTRIES } from "./operations/index.ts";

type Json = Record<string, unknown>;
const document = openApiDocument("1.2.3") as Json & {
  paths: Record<
    string,
    Record<string, Json & { operationId: string; parameters: Json[]; responses: Json; requestBody?: Json }>
  >;
  components: { schemas: Record<string, Json>; responses: Json; securitySchemes: Json };
};

function* nodes(value: unknown, path = "#"): Generator<[string, Json]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Json];
  for (const [name, inside] of Object.entries(value)) yield* nodes(inside, `${path}/${name}`);
}

describe("the API's description", () => {
  test("is OpenAPI 3.1 with the version that runs", () => {
    assert.equal(document["openapi"], "3.1.0");
    assert.equal((document["info"] as Json)["version"], "1.2.3");
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document, "nothing in it is lost as JSON");
  });

  test("has every operation once, under its path and method", () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
    );
    const entries = OPERATION_ENTRIES.map(({ name, method, path }) => `${name} ${method} ${path}`);
    assert.deepEqual(described.sort(), entries.sort());
    assert.equal(new Set(OPERATION_ENTRIES.map(({ name }) => name)).size, OPERATION_ENTRIES.length);
  });

  test("every reference leads to something", () => {
    let references = 0;
    for (const [path, { $ref }] of nodes(document)) {
      if (typeof $ref !== "string") continue;
      references++;
      const target = $ref
        .slice(2)
        .split("/")
        .reduce<unknown>((at, name) => (at as Json)?.[name], document);
      assert.equal(typeof target, "object", `${path} refers to ${$ref}`);
    }
    assert.ok(references > 50);
  });

  test("every schema is JSON Schema as it is, with nothing of our own notation", () => {
    const TYPES = ["string", "integer", "number", "boolean", "array", "object", "null"];
    let schemas = 0;
    const check = (schema: Json, path: string): void => {
      schemas++;
      const { type, properties, items, additionalProperties, required } = schema;
      for (const each of [type].flat())
        assert.ok(each === undefined || TYPES.includes(String(each)), `${path}: ${each}`);
      for (const ours of ["optional", "values", "nullable", "entriesMax"]) assert.equal(schema[ours], undefined, path);
      const names = Object.keys((properties ?? {}) as Json);
      for (const name of (required ?? []) as string[]) assert.ok(names.includes(name), `${path} requires ${name}`);
      for (const name of names) check((properties as Record<string, Json>)[name]!, `${path}.${name}`);
      if (items !== undefined) check(items as Json, `${path}[]`);
      if (typeof additionalProperties === "object") check(additionalProperties as Json, `${path}{}`);
    };
    for (const [name, schema] of Object.entries(document.components.schemas)) check(schema, name);
    for (const [path, { schema }] of nodes(document.paths)) if (schema !== undefined) check(schema as Json, path);
    assert.ok(schemas > 300);
  });

  test("every shape is used, and its references are to shapes", () => {
    const text = JSON.stringify(document);
    for (const name of Object.keys(document.components.schemas)) {
      assert.ok(text.includes(`"#/components/schemas/${name}"`), `${name} is used nowhere`);
    }
  });

  test("every parameter of a path is declared, and none besides", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      for (const { parameters, operationId } of Object.values(methods)) {
        const declared = parameters.filter((each) => each["in"] === "path").map((each) => each["name"]);
        assert.deepEqual(declared, names, operationId);
      }
    }
  });

  test("what a GET or DELETE takes is in its path and query", () => {
    for (const { method, body, name } of OPERATION_ENTRIES) {
      if (method === "GET" || method === "DELETE") assert.equal(body, undefined, name);
    }
  });

  test("every operation says how it fails, and who may call it", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { responses, description }] of Object.entries(methods)) {
        assert.deepEqual(responses["default"], { $ref: "#/components/responses/Error" }, `${method} ${path}`);
        assert.match(String(description), /Needs (no credential|a credential|the root key|`)/);
      }
    }
  });
});
