import assert from "node:assert/strict";
import { test } from "node:test";
import { AshlarError } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import { HANDLERS } from "./handlers.ts";
import { type Level, OPERATIONS, type Operation, statusOf } from "./operations/index.ts";
import { Query } from "./query.ts";
import { routeOf } from "./routing.ts";

const NO_HEADERS: readonly string[] = [];

function route(method: string, level: Level, query = "", headers = NO_HEADERS): string {
  try {
    return routeOf(method, level, new Query(query), new RequestHeaders(headers)).name;
  } catch (error) {
    assert(error instanceof AshlarError);
    return error.code;
  }
}

function queryOf({ query = [] }: Operation): string {
  return query.map((selector) => (selector.includes("=") ? selector : `${selector}=x`)).join("&");
}

function headersOf({ header }: Operation): readonly string[] {
  return header === undefined ? NO_HEADERS : [header, "b/k"];
}

test("each operation's own request reaches it, whatever harmless parameters come along", () => {
  for (const operation of OPERATIONS.filter(({ elsewhere }) => !elsewhere)) {
    const { name, method, level } = operation;
    const query = queryOf(operation);
    for (const extra of [
      "",
      "x-id=Anything",
      "versionId=null",
      "X-Amz-Date=1&X-Amz-Expires=2",
      "prefix=",
      "unknown=1",
    ]) {
      const whole = [query, extra].filter((part) => part !== "").join("&");
      assert.equal(route(method, level, whole, headersOf(operation)), name, `${method} ${level} ?${whole}`);
    }
  }
});

test("an empty value and no value at all select the same operation", () => {
  for (const { name, method, level, query = [], header, elsewhere } of OPERATIONS) {
    if (elsewhere || query.some((selector) => selector.includes("="))) continue;
    const headers = header === undefined ? NO_HEADERS : [header, "b/k"];
    assert.equal(route(method, level, query.join("&"), headers), name);
    assert.equal(route(method, level, query.map((selector) => `${selector}=`).join("&"), headers), name);
  }
});

test("a subresource at a place where no operation has it is never dropped", () => {
  const selectors = new Set(
    OPERATIONS.flatMap(({ query = [] }) => query.filter((selector) => !selector.includes("="))),
  );
  for (const level of ["service", "bucket", "object"] as const) {
    for (const method of ["GET", "PUT", "POST", "DELETE", "HEAD"] as const) {
      for (const selector of selectors) {
        if (selector === "id") continue;
        const reached = route(method, level, selector);
        const operation = OPERATIONS.find(({ name }) => name === reached);
        if (operation === undefined) {
          assert(
            ["MethodNotAllowed", "InvalidArgument"].includes(reached),
            `${method} ${level} ?${selector}: ${reached}`,
          );
          continue;
        }
        const uses = operation.query?.includes(selector) === true || operation.takes?.includes(selector) === true;
        assert(uses, `${method} ${level} ?${selector} fell through to ${reached}`);
      }
    }
  }
});

test("two subresources at once are an InvalidArgument that names them", () => {
  const conflicts: readonly (readonly [string, Level, string])[] = [
    ["PUT", "object", "tagging&acl"],
    ["GET", "bucket", "uploads&policy"],
    ["POST", "object", "uploads&uploadId=1"],
    ["GET", "object", "uploadId=1&partNumber=1"],
    ["DELETE", "object", "uploadId=1&tagging"],
  ];
  for (const [method, level, query] of conflicts) {
    assert.equal(route(method, level, query), "InvalidArgument", `${method} ${level} ?${query}`);
  }
});

test("half of an UploadPart is not a PutObject", () => {
  assert.equal(route("PUT", "object", "partNumber=1"), "MethodNotAllowed");
  assert.equal(route("PUT", "object", "uploadId=1"), "MethodNotAllowed");
});

test("a bare parameter that nobody knows is refused where it could change something", () => {
  assert.equal(route("PUT", "object", "newFeature"), "NotImplemented");
  assert.equal(route("DELETE", "bucket", "newFeature="), "NotImplemented");
  assert.equal(route("GET", "bucket", "newFeature"), "NotImplemented");
  assert.equal(route("GET", "object", "20261121"), "GetObject", "caches are told apart so");
  assert.equal(route("PUT", "object", "custom=1"), "PutObject");
});

test("the kind of a listing follows from list-type", () => {
  assert.equal(route("GET", "bucket"), "ListObjects");
  assert.equal(route("GET", "bucket", "list-type=2&prefix=a"), "ListObjectsV2");
  assert.equal(route("GET", "bucket", "list-type=1"), "ListObjects");
  assert.equal(route("GET", "bucket", "versions&prefix=a&delimiter"), "ListObjectVersions");
});

test("a part can be read where parts can not be listed", () => {
  assert.equal(route("GET", "object", "partNumber=3"), "GetObject");
  assert.equal(route("HEAD", "object", "partNumber=3&versionId=1"), "HeadObject");
});

test("a copy is told from a plain write by its header", () => {
  const copy = ["X-Amz-Copy-Source", "b/k"];
  assert.equal(route("PUT", "object", "", copy), "CopyObject");
  assert.equal(route("PUT", "object", "x-id=CopyObject", copy), "CopyObject");
  assert.equal(route("PUT", "object", "partNumber=1&uploadId=1", copy), "UploadPartCopy");
  assert.equal(route("PUT", "bucket", "", copy), "CreateBucket");
});

test("methods that S3 does not have are MethodNotAllowed", () => {
  for (const method of ["PATCH", "TRACE", "CONNECT", "PROPFIND", "get"]) {
    assert.equal(route(method, "object"), "MethodNotAllowed", method);
  }
  assert.equal(route("POST", "object"), "MethodNotAllowed");
  assert.equal(route("POST", "service"), "MethodNotAllowed");
  assert.equal(route("PUT", "service"), "MethodNotAllowed");
});

test("MethodNotAllowed says what is allowed", () => {
  const routed = (method: string, level: Level, query: string) => () =>
    routeOf(method, level, new Query(query), new RequestHeaders([]));
  const allows =
    (...allowed: string[]) =>
    (error: unknown) => {
      assert(error instanceof AshlarError);
      const { allowed: told } = error.data;
      assert.deepEqual(told, allowed);
      return true;
    };
  assert.throws(routed("DELETE", "bucket", "location"), allows("GET"));
  assert.throws(routed("POST", "object", ""), allows("GET", "HEAD", "PUT", "DELETE"));
});

test("names are unique, and what is built has a handler", () => {
  assert.equal(new Set(OPERATIONS.map(({ name }) => name)).size, OPERATIONS.length);
  assert(OPERATIONS.length > 100);
  const built = OPERATIONS.filter((operation) => statusOf(operation) !== "not built").map(({ name }) => name);
  assert.deepEqual(Object.keys(HANDLERS).toSorted(), built.toSorted());
});

test("an entry has no field that nobody reads", () => {
  const known = new Set([
    "name",
    "level",
    "method",
    "query",
    "header",
    "takes",
    "action",
    "versionAction",
    "asksItself",
    "act",
  ]);
  for (const field of ["notBuilt", "partly", "note", "elsewhere"]) known.add(field);
  for (const operation of OPERATIONS) {
    assert.deepEqual(
      Object.keys(operation).filter((field) => !known.has(field)),
      [],
      operation.name,
    );
  }
});

test("what is built asks for an action, but for a preflight", () => {
  for (const operation of OPERATIONS) {
    if (operation.notBuilt !== undefined || operation.method === "OPTIONS") continue;
    assert.notEqual(operation.action, undefined, operation.name);
  }
});
