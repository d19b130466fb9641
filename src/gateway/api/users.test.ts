import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allowing, openWorld } from "./testing/world.ts";

describe("users", () => {
  test("are created, described, changed and deleted", async () => {
    await using world = await openWorld();
    const created = await world.call("PUT", "/v1/users/alice", { json: { policies: ["readonly"] } });
    assert.equal(created.status, 201);
    assert.deepEqual(
      [created.json.name, created.json.enabled, created.json.policies, created.json.keyCount],
      ["alice", true, ["readonly"], 0],
    );
    assert.equal((await world.call("PUT", "/v1/users/alice", { json: {} })).code, "USER_EXISTS");
    const changed = await world.call("PATCH", "/v1/users/alice", { json: { enabled: false, policies: ["readwrite"] } });
    assert.deepEqual([changed.json.enabled, changed.json.policies], [false, ["readwrite"]]);
    const stale = { enabled: true, ifRevision: created.json.revision };
    assert.equal((await world.call("PATCH", "/v1/users/alice", { json: stale })).code, "REVISION_CHANGED");
    assert.deepEqual((await world.call("GET", "/v1/users/alice")).json, changed.json);
    assert.equal((await world.call("DELETE", "/v1/users/alice")).status, 204);
    assert.equal((await world.call("GET", "/v1/users/alice")).code, "USER_MISSING");
  });

  test("are listed page by page", async () => {
    await using world = await openWorld();
    for (const name of ["bob", "alice", "carol"]) await world.call("PUT", `/v1/users/${name}`, { json: {} });
    const first = (await world.call("GET", "/v1/users?limit=2")).json;
    const second = (await world.call("GET", `/v1/users?limit=2&after=${first.next}`)).json;
    assert.deepEqual(
      [...first.items, ...second.items].map(({ name }) => name),
      ["alice", "bob", "carol"],
    );
    assert.equal(second.next, undefined);
  });

  test("have policies attached and detached one by one", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/users/alice", { json: {} });
    assert.deepEqual((await world.call("PUT", "/v1/users/alice/policies/readonly")).json.policies, ["readonly"]);
    assert.equal((await world.call("PUT", "/v1/users/alice/policies/nothing")).code, "POLICY_MISSING");
    assert.deepEqual((await world.call("DELETE", "/v1/users/alice/policies/readonly")).json.policies, []);
  });

  test("names with special characters travel in the path", async () => {
    await using world = await openWorld();
    const name = "ops+admin@example.com";
    await world.call("PUT", `/v1/users/${encodeURIComponent(name)}`, { json: {} });
    assert.equal((await world.call("GET", `/v1/users/${encodeURIComponent(name)}`)).json.name, name);
    assert.equal((await world.call("PUT", "/v1/users/a%2Fb", { json: {} })).code, "NAME_INVALID");
    assert.equal((await world.call("PUT", "/v1/users/root", { json: {} })).code, "NAME_INVALID");
  });
});

describe("access keys", () => {
  test("tell their secret once", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/users/alice", { json: {} });
    const made = await world.call("POST", "/v1/users/alice/access-keys", { json: { description: "laptop" } });
    assert.equal(made.status, 201);
    assert.match(made.json.secret, /^[A-Za-z0-9]{40}$/);
    const listings = [
      await world.call("GET", "/v1/users/alice/access-keys"),
      await world.call("GET", "/v1/access-keys"),
    ];
    for (const { json, text } of listings) {
      assert.deepEqual(
        json.items.map(({ id, description }: { id: string; description: string }) => [id, description]),
        [[made.json.id, "laptop"]],
      );
      assert.ok(!text.includes(made.json.secret));
    }
    await world.events.settled();
    const events = await world.call("GET", "/v1/events");
    assert.ok(!events.text.includes(made.json.secret));
  });

  test("can be taken over from another system", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/users/alice", { json: { policies: ["diagnostics"] } });
    const json = { id: "minioadmin", secret: "minioadmin" };
    assert.equal((await world.call("POST", "/v1/users/alice/access-keys", { json })).status, 201);
    const by = { accessKey: "minioadmin", secretKey: "minioadmin" };
    assert.equal((await world.call("GET", "/v1/status", { by })).status, 200);
    const half = { id: "other" };
    assert.equal((await world.call("POST", "/v1/users/alice/access-keys", { json: half })).code, "INPUT_INVALID");
  });

  test("expire, are disabled, narrowed and deleted", async () => {
    await using world = await openWorld();
    await world.addUser("alice", allowing("ashlar:*"));
    const expiresAt = new Date(world.time.now() + 60_000).toISOString();
    const made = (await world.call("POST", "/v1/users/alice/access-keys", { json: { expiresAt } })).json;
    const by = { accessKey: made.id, secretKey: made.secret };
    const path = `/v1/users/alice/access-keys/${made.id}`;
    const code = async () => (await world.call("GET", "/v1/users", { by })).code;
    assert.equal(await code(), undefined);
    await world.call("PATCH", path, { json: { policy: JSON.stringify(allowing("ashlar:GetStatus")) } });
    assert.equal(await code(), "ACCESS_DENIED");
    await world.call("PATCH", path, { json: { policy: null } });
    assert.equal(await code(), undefined);
    world.time.jump(60_001);
    assert.equal(await code(), "CREDENTIAL_REFUSED");
    await world.call("PATCH", path, { json: { expiresAt: null } });
    assert.equal(await code(), undefined);
    await world.call("PATCH", path, { json: { enabled: false } });
    assert.equal(await code(), "CREDENTIAL_REFUSED");
    assert.equal((await world.call("DELETE", path)).status, 204);
    assert.equal((await world.call("DELETE", path)).code, "KEY_MISSING");
  });
});

describe("policies", () => {
  const document = JSON.stringify(allowing("s3:GetObject"));

  test("are stored, shown, changed and deleted; the built-in ones stay", async () => {
    await using world = await openWorld();
    const stored = await world.call("PUT", "/v1/policies/readers", { json: { document } });
    assert.equal(stored.status, 200);
    assert.equal((await world.call("GET", "/v1/policies/readers")).json.document, document);
    assert.equal(
      (await world.call("PUT", "/v1/policies/readers", { json: { document, create: true } })).code,
      "POLICY_EXISTS",
    );
    assert.equal((await world.call("PUT", "/v1/policies/readonly", { json: { document } })).code, "POLICY_BUILT_IN");
    const names = (await world.call("GET", "/v1/policies?limit=100")).json.items.map(
      ({ name }: { name: string }) => name,
    );
    assert.ok(names.includes("readers") && names.includes("consoleAdmin"));
    await world.call("PUT", "/v1/users/alice", { json: { policies: ["readers"] } });
    assert.equal((await world.call("DELETE", "/v1/policies/readers")).code, "POLICY_IN_USE");
    await world.call("DELETE", "/v1/users/alice");
    assert.equal((await world.call("DELETE", "/v1/policies/readers")).status, 204);
  });

  test("that are malformed are refused with the place of the fault", async () => {
    await using world = await openWorld();
    const bad = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:GetObjct", Resource: "*" }],
    });
    const answer = await world.call("PUT", "/v1/policies/bad", { json: { document: bad } });
    assert.equal(answer.code, "POLICY_MALFORMED");
    assert.match(answer.json.error.message, /s3:GetObject is near/);
    const checked = await world.call("POST", "/v1/policies/check", { json: { document: bad } });
    assert.deepEqual([checked.json.valid, checked.json.path], [false, "Statement[0].Action"]);
    assert.equal((await world.call("POST", "/v1/policies/check", { json: { document } })).json.valid, true);
    const asBucket = await world.call("POST", "/v1/policies/check", { json: { document, bucket: "photos" } });
    assert.equal(asBucket.json.valid, false, "a bucket's policy names principals");
  });

  test("explain who may do what, and why", async () => {
    await using world = await openWorld();
    await world.objects.createBucket("photos", "root");
    await world.addUser("alice", allowing("s3:GetObject"));
    const explain = async (json: object) => (await world.call("POST", "/v1/access/explain", { json })).json;
    const request = { action: "s3:GetObject", resource: "photos/a" };
    const allowed = await explain({ ...request, user: "alice" });
    assert.deepEqual([allowed.decision, allowed.decidedBy], ["allow", "of-alice, statement 0"]);
    const other = await explain({ user: "alice", action: "s3:PutObject", resource: "arn:aws:s3:::photos/a" });
    assert.deepEqual([other.decision, other.policies[0].statements[0].failed], ["implicit-deny", "action"]);
    assert.equal((await explain(request)).decision, "implicit-deny", "anonymous");
    const Statement = [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" }];
    const open = JSON.stringify({ Version: "2012-10-17", Statement });
    await world.call("PUT", "/v1/buckets/photos/policy", { json: { document: open } });
    assert.equal((await explain(request)).decision, "allow", "anonymous, by the bucket's policy");
    const unknown = await world.call("POST", "/v1/access/explain", {
      json: { action: "s3:GetObjct", resource: "photos" },
    });
    assert.match(unknown.json.error.message, /s3:GetObject is near/);
  });
});

describe("buckets", () => {
  test("are created, listed, described and deleted", async () => {
    await using world = await openWorld();
    for (const name of ["movies", "photos"])
      assert.equal((await world.call("PUT", `/v1/buckets/${name}`, { json: {} })).status, 201);
    assert.equal((await world.call("PUT", "/v1/buckets/photos", { json: {} })).code, "BUCKET_OWNED_BY_YOU");
    assert.equal((await world.call("PUT", "/v1/buckets/A", { json: {} })).code, "BUCKET_NAME_INVALID");
    const page = (await world.call("GET", "/v1/buckets?limit=1")).json;
    assert.deepEqual([page.items[0].name, page.items[0].owner, page.items[0].versioning], ["movies", "root", "off"]);
    assert.equal((await world.call("GET", `/v1/buckets?after=${page.next}`)).json.items[0].name, "photos");
    await world.call("PUT", "/v1/buckets/photos/object?key=a", { body: "1" });
    assert.equal((await world.call("DELETE", "/v1/buckets/photos")).code, "BUCKET_NOT_EMPTY");
    assert.equal((await world.call("DELETE", "/v1/buckets/movies")).status, 204);
    assert.equal((await world.call("GET", "/v1/buckets/movies")).code, "BUCKET_MISSING");
  });

  test("can have versioning from the start", async () => {
    await using world = await openWorld();
    const created = await world.call("PUT", "/v1/buckets/photos", { json: { versioning: "enabled" } });
    assert.equal(created.json.versioning, "enabled");
  });

  test("keep their policy as it was sent, and tell whether it lets the public in", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    assert.deepEqual((await world.call("GET", "/v1/buckets/photos/policy")).json, { public: false });
    const Statement = [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" }];
    const document = JSON.stringify({ Version: "2012-10-17", Statement }, undefined, 3);
    assert.equal((await world.call("PUT", "/v1/buckets/photos/policy", { json: { document } })).status, 204);
    assert.deepEqual((await world.call("GET", "/v1/buckets/photos/policy")).json, { document, public: true });
    assert.equal((await world.call("DELETE", "/v1/buckets/photos/policy")).status, 204);
    assert.deepEqual((await world.call("GET", "/v1/buckets/photos/policy")).json, { public: false });
  });

  test("keep rules for other sites and tags in the form that S3 reads", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    const rules = [
      { id: "r1", allowedOrigins: ["https://*.example.com"], allowedMethods: ["GET", "PUT"], maxAgeSeconds: 60 },
    ];
    assert.equal((await world.call("PUT", "/v1/buckets/photos/cors", { json: { rules } })).status, 204);
    const kept = (await world.call("GET", "/v1/buckets/photos/cors")).json.rules;
    assert.deepEqual(kept, [{ ...rules[0], allowedHeaders: [], exposeHeaders: [] }]);
    const content = await world.objects.getDocument("photos", "cors");
    assert.deepEqual(JSON.parse(Buffer.from(content!).toString()), { version: 1, rules: kept });
    const twice = [{ allowedOrigins: ["https://*.*"], allowedMethods: ["GET"] }];
    assert.equal(
      (await world.call("PUT", "/v1/buckets/photos/cors", { json: { rules: twice } })).code,
      "INPUT_INVALID",
    );
    await world.call("DELETE", "/v1/buckets/photos/cors");
    assert.deepEqual((await world.call("GET", "/v1/buckets/photos/cors")).json.rules, []);

    await world
      .call("PUT", "/v1/buckets/photos/tags", { json: { tags: { team: "a", "": "" } } })
      .then((answer) => assert.equal(answer.code, "INPUT_INVALID"));
    await world.call("PUT", "/v1/buckets/photos/tags", { json: { tags: { team: "a" } } });
    assert.deepEqual((await world.call("GET", "/v1/buckets/photos/tags")).json.tags, { team: "a" });
    await world.call("DELETE", "/v1/buckets/photos/tags");
    assert.deepEqual((await world.call("GET", "/v1/buckets/photos/tags")).json.tags, {});
  });
});
