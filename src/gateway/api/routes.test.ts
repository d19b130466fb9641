import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Routes } from "./routes.ts";

const ROUTES = new Routes([
  { name: "list", method: "GET", path: "/v1/things" },
  { name: "make", method: "POST", path: "/v1/things" },
  { name: "check", method: "POST", path: "/v1/things/check" },
  { name: "get", method: "GET", path: "/v1/things/{thing}" },
  { name: "part", method: "DELETE", path: "/v1/things/{thing}/parts/{part}" },
  { name: "page", method: "GET", path: "/app/*" },
]);

const find = (method: string, path: string) => {
  const { entry, parameters } = ROUTES.find(method, path);
  return { name: entry.name, parameters: { ...parameters } };
};

describe("routes", () => {
  test("a path finds its entry, its parameters unescaped", () => {
    assert.deepEqual(find("GET", "/v1/things"), { name: "list", parameters: {} });
    assert.deepEqual(find("GET", "/v1/things/a%2Fb%20%C3%A9"), { name: "get", parameters: { thing: "a/b é" } });
    assert.deepEqual(find("DELETE", "/v1/things/x/parts/7"), { name: "part", parameters: { thing: "x", part: "7" } });
    assert.equal(find("GET", "/app/a/b.js").name, "page");
  });

  test("a plain name goes before a parameter, where the method fits", () => {
    assert.equal(find("POST", "/v1/things/check").name, "check");
    assert.deepEqual(find("GET", "/v1/things/check"), { name: "get", parameters: { thing: "check" } });
  });

  test("HEAD finds what GET does", () => {
    assert.equal(find("HEAD", "/v1/things").name, "list");
  });

  test("a method that the path does not take is refused with those that it takes", () => {
    assert.throws(() => ROUTES.find("PATCH", "/v1/things"), {
      code: "METHOD_NOT_ALLOWED",
      data: { method: "PATCH", allowed: ["GET", "HEAD", "OPTIONS", "POST"] },
    });
    assert.throws(() => ROUTES.find("GET", "/v1/things/x/parts/7"), {
      data: { method: "GET", allowed: ["DELETE", "OPTIONS"] },
    });
  });

  for (const path of [
    "/",
    "/v1",
    "/v1/things/",
    "/v1//things",
    "/v1/things/a/b",
    "/v2/things",
    "/v1/things/x/parts/",
  ]) {
    test(`there is nothing at ${path}`, () => {
      assert.throws(() => ROUTES.find("GET", path), { code: "ROUTE_MISSING" });
      assert.deepEqual(ROUTES.allowed(path), []);
    });
  }

  test("escapes that are no UTF-8 are refused", () => {
    for (const path of ["/v1/things/%FF", "/v1/things/%zz", "/v1/things/%"]) {
      assert.throws(() => ROUTES.find("GET", path), { code: "INPUT_INVALID", data: { path: "path.thing" } });
    }
  });
});
