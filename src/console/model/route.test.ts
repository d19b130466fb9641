import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseRoute, type Route, routeHref, sectionOf } from "./route.ts";

const parse = (path: string): Route => {
  const route = parseRoute(new URL(path, "http://console.test"));
  return Object.fromEntries(Object.entries(route).filter(([, value]) => value !== undefined)) as unknown as Route;
};

describe("addresses of pages", () => {
  test("every page is found again from its address, whatever its names hold", () => {
    const name = "a.b /?&=#%+ü日.js";
    const routes: Route[] = [
      { page: "overview" },
      { page: "buckets" },
      { page: "buckets", after: name },
      { page: "objects", bucket: "b.c", prefix: "" },
      { page: "objects", bucket: "b.c", prefix: `${name}/`, after: name },
      { page: "objects", bucket: "b.c", prefix: "..//", versions: true, after: name, afterVersion: "v" },
      { page: "object", bucket: "b.c", key: name },
      { page: "object", bucket: "b.c", key: "../x", version: "null" },
      { page: "bucket", bucket: "b.c" },
      { page: "users" },
      { page: "users", after: name },
      { page: "user", user: name },
      { page: "policies" },
      { page: "policies", after: name },
      { page: "policy", policy: name },
      { page: "new-policy" },
      { page: "decision" },
      { page: "decision", user: name },
      { page: "events", severity: "info" },
      { page: "events", severity: "error", after: "00ff" },
      { page: "cluster" },
      { page: "ids", after: name },
      { page: "sim" },
      { page: "missing" },
    ];
    for (const route of routes) assert.deepEqual(parse(routeHref(route)), route);
  });

  test("no address looks like one of the console's files", () => {
    const paths = [
      routeHref({ page: "user", user: "me.js" }),
      routeHref({ page: "bucket", bucket: "logs.css" }),
      routeHref({ page: "object", bucket: "b.js", key: "main.js" }),
    ].map((href) => new URL(href, "http://console.test").pathname);
    for (const path of paths) assert.ok(!path.includes("."), path);
  });

  test("what is no page is missing, and what is no severity is all", () => {
    for (const path of ["/app/nothing", "/", "/app/data/settings", "/elsewhere/data"]) {
      assert.deepEqual(parse(path), { page: "missing" });
    }
    assert.deepEqual(parse("/app/events?severity=loud"), { page: "events", severity: "info" });
    assert.deepEqual(parse("/app/data?bucket=b&afterVersion=v"), { page: "objects", bucket: "b", prefix: "" });
  });

  test("each page belongs to its section of the navigation", () => {
    assert.equal(sectionOf({ page: "object", bucket: "b", key: "k" }), "data");
    assert.equal(sectionOf({ page: "decision" }), "policies");
    assert.equal(sectionOf({ page: "sim" }), "sim");
    assert.equal(sectionOf({ page: "missing" }), undefined);
  });
});
