import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle } from "./testing/manual-time.ts";
import { allowing, filesOf, openWorld, ROOT } from "./testing/world.ts";

const FILES = {
  "index.html": "<!doctype html><title>Ashlar</title>",
  "app.css": "body {}",
  "vendor/preact.js": "export const h = 1;",
  ".secret": "no",
};
const basic = (accessKey: string, secret: string) =>
  `Basic ${Buffer.from(`${accessKey}:${secret}`).toString("base64")}`;

describe("the console's files", () => {
  test("are found from the root, without a credential", async () => {
    await using world = await openWorld({ console: filesOf(FILES) });
    for (const path of ["/", "/app"]) {
      const moved = await world.call("GET", path, { by: "nobody" });
      assert.deepEqual([moved.status, moved.headers.get("location")], [308, "/app/"]);
    }
    const page = await world.call("GET", "/app/", { by: "nobody" });
    assert.equal(page.text, FILES["index.html"]);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    const script = await world.call("GET", "/app/vendor/preact.js", { by: "nobody" });
    assert.equal(script.headers.get("content-type"), "text/javascript; charset=utf-8");
  });

  test("may load and call nothing but this server", async () => {
    await using world = await openWorld({ console: filesOf(FILES) });
    for (const path of ["/app/", "/app/app.css", "/app/vendor/preact.js"]) {
      const { headers } = await world.call("GET", path, { by: "nobody" });
      const policy = new Map(
        headers
          .get("content-security-policy")!
          .split("; ")
          .map((rule) => rule.split(/ (.*)/) as [string, string]),
      );
      assert.equal(policy.get("default-src"), "'none'");
      for (const kind of ["script-src", "style-src", "connect-src", "font-src"])
        assert.equal(policy.get(kind), "'self'");
      for (const kind of ["frame-ancestors", "base-uri", "form-action"]) assert.equal(policy.get(kind), "'none'");
      assert.ok(!headers.get("content-security-policy")!.includes("unsafe"));
      assert.equal(headers.get("x-frame-options"), "DENY");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "same-origin");
    }
  });

  test("are asked for again and not sent again", async () => {
    await using world = await openWorld({ console: filesOf(FILES) });
    const first = await world.call("GET", "/app/app.css", { by: "nobody" });
    assert.equal(first.headers.get("cache-control"), "no-cache");
    const again = await world.call("GET", "/app/app.css", {
      by: "nobody",
      headers: { "If-None-Match": first.headers.get("etag")! },
    });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
    const other = await world.call("GET", "/app/app.css", { by: "nobody", headers: { "If-None-Match": '"other"' } });
    assert.equal(other.status, 200);
  });

  test("answer the console for every page of its own, and nothing for files that are not there", async () => {
    await using world = await openWorld({ console: filesOf(FILES) });
    assert.equal((await world.call("GET", "/app/buckets/photos", { by: "nobody" })).text, FILES["index.html"]);
    const MISSING = [
      "/app/missing.js",
      "/app/.secret",
      "/app/%2e%2e/secret.js",
      "/app/../secret.js",
      "/app//app.css",
      "/app/app.exe",
    ];
    for (const path of MISSING) {
      const answer = await world.call("GET", path, { by: "nobody" });
      assert.ok(answer.code === "ROUTE_MISSING" || answer.text === FILES["index.html"], `${path}: ${answer.text}`);
      assert.ok(!answer.text.includes("no\n") && answer.text !== "no");
    }
  });

  test("are stripped of their types where the console is not built", async () => {
    const source = {
      ...filesOf({ "main.ts": "const x: number = 1;" }),
      stripTypes: (text: string) => text.replace(": number", ""),
    };
    await using world = await openWorld({ console: source });
    const answer = await world.call("GET", "/app/main.js", { by: "nobody" });
    assert.equal(answer.text, "const x = 1;");
    assert.equal((await world.call("GET", "/app/main.ts", { by: "nobody" })).status, 404);
  });

  test("are not there where no console is", async () => {
    await using world = await openWorld();
    assert.equal((await world.call("GET", "/app/", { by: "nobody" })).code, "ROUTE_MISSING");
  });
});

describe("what monitors ask", () => {
  test("/healthz says that the process lives", async () => {
    await using world = await openWorld();
    const answer = await world.call("GET", "/healthz", { by: "nobody" });
    assert.deepEqual([answer.status, answer.text], [200, "ok\n"]);
  });

  test("/readyz says whether writes are taken, and why not", async () => {
    await using world = await openWorld();
    assert.deepEqual((await world.call("GET", "/readyz", { by: "nobody" })).json, { ready: true, reasons: [] });
    world.fail(new Error("The log can not be written any more."));
    const answer = await world.call("GET", "/readyz", { by: "nobody" });
    assert.equal(answer.status, 503);
    assert.deepEqual(answer.json, { ready: false, reasons: ["The log can not be written any more."] });
  });

  test("/metrics needs a credential, by signature or HTTP Basic", async () => {
    await using world = await openWorld();
    const alice = await world.addUser("alice", allowing("ashlar:GetMetrics"));
    const bob = await world.addUser("bob");
    const scrape = (Authorization: string) =>
      world.call("GET", "/metrics", { by: "nobody", headers: { Authorization } });
    assert.equal((await world.call("GET", "/metrics", { by: "nobody" })).status, 401);
    assert.equal((await world.call("GET", "/metrics", { by: alice })).status, 200);
    assert.equal((await scrape(basic(alice.accessKey, alice.secretKey))).status, 200);
    assert.equal((await scrape(basic(alice.accessKey, "wrong"))).code, "CREDENTIAL_REFUSED");
    assert.equal((await scrape(basic("nobody", "wrong"))).code, "CREDENTIAL_REFUSED");
    assert.equal((await scrape("Basic !!!")).status, 400);
    assert.equal((await scrape(basic(bob.accessKey, bob.secretKey))).code, "ACCESS_DENIED");
    const elsewhere = await world.call("GET", "/v1/status", {
      by: "nobody",
      headers: { Authorization: basic(ROOT.accessKey, ROOT.secretKey) },
    });
    assert.equal(elsewhere.status, 400, "only metrics are read so");
  });

  test("/metrics can be opened by an option", async () => {
    await using world = await openWorld({ options: { metricsPublic: true } });
    const answer = await world.call("GET", "/metrics", { by: "nobody" });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  });

  test("/openapi.json needs a credential too", async () => {
    await using world = await openWorld();
    assert.equal((await world.call("GET", "/openapi.json", { by: "nobody" })).code, "SIGN_IN_REQUIRED");
    assert.equal((await world.call("GET", "/openapi.json")).json.info.version, "1.2.3");
  });
});

describe("every answer", () => {
  test("has an id that the access record has too, and is kept by no cache", async () => {
    await using world = await openWorld();
    const answer = await world.call("GET", "/v1/status");
    await settle();
    const record = world.records.at(-1)!;
    assert.equal(answer.headers.get("x-request-id"), record.requestId);
    assert.deepEqual(
      [record.gateway, record.operation, record.principal, record.status],
      ["api", "getStatus", "root", 200],
    );
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("cross-origin-resource-policy"), "same-origin");
  });

  test("to OPTIONS names the methods, and says nothing about other sites", async () => {
    await using world = await openWorld();
    const answer = await world.call("OPTIONS", "/v1/buckets/photos", {
      by: "nobody",
      headers: { Origin: "https://evil.example" },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("allow"), "DELETE, GET, HEAD, OPTIONS, PUT");
    assert.ok(![...answer.headers.keys()].some((name) => name.startsWith("access-control")));
  });

  test("to a failure has one form, with the request's id", async () => {
    await using world = await openWorld();
    const answer = await world.call("GET", "/v1/buckets/nowhere");
    assert.deepEqual(Object.keys(answer.json.error), ["code", "message", "advice", "requestId", "data"]);
    assert.equal(answer.json.error.requestId, answer.headers.get("x-request-id"));
    const wrong = await world.call("PATCH", "/v1/buckets/nowhere");
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "DELETE, GET, HEAD, OPTIONS, PUT"]);
  });

  test("to a bug tells no more than where to look", async () => {
    const endpoints = () => {
      throw new TypeError("secret detail");
    };
    await using world = await openWorld({ node: { endpoints } });
    const answer = await world.call("GET", "/v1/status");
    assert.deepEqual([answer.status, answer.code], [500, "INTERNAL"]);
    assert.ok(!answer.text.includes("secret detail"));
    assert.equal(world.unexpected.length, 1);
  });

  test("bodies that are no JSON, too long or of another type are refused", async () => {
    await using world = await openWorld();
    const send = (body: string, type = "application/json") =>
      world.call("PUT", "/v1/buckets/photos", { body, headers: { "Content-Type": type } });
    assert.equal((await send("{")).code, "BODY_NOT_JSON");
    assert.equal((await send("\xff")).status, 400);
    assert.equal((await send("[]")).code, "INPUT_INVALID");
    assert.equal((await send("{}", "text/xml")).code, "CONTENT_TYPE_REFUSED");
    assert.equal((await send(`{"versioning":"enabled"}`, "application/json; charset=utf-8")).status, 201);
    assert.equal((await send(" ".repeat(1_048_577))).code, "BODY_TOO_LARGE");
  });
});
