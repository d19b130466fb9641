import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parametersOf } from "./input.ts";
import type { OperationEntry } from "./operation.ts";
import { OPERATION_ENTRIES } from "./operations/index.ts";
import type { ObjectSchema } from "./schema.ts";
import { settle } from "./testing/manual-time.ts";
import { type Answer, allowing, type Credentials, openWorld, type World } from "./testing/world.ts";

/** Names that are there in the world below, so that a request gets as far as its authorization and beyond. */
const PATH: Readonly<Record<string, string>> = {
  bucket: "photos",
  user: "victim",
  policy: "readonly",
  volume: "1",
  key: "KEY",
  session: "S",
};
const QUERY: Readonly<Record<string, string>> = { key: "a.txt" };
const BODY: Readonly<Record<string, object>> = {
  login: { accessKeyId: "x", secret: "x" },
  deleteObjects: { objects: [{ key: "a.txt" }] },
  explainAccess: { action: "s3:GetObject", resource: "photos/a.txt" },
  putBucketCors: { rules: [{ allowedOrigins: ["*"], allowedMethods: ["GET"] }] },
  putBucketPolicy: { document: "{}" },
  putBucketTags: { tags: {} },
  putPolicy: { document: "{}" },
  putVersioning: { versioning: "enabled" },
};

const actionOf = ({ access }: OperationEntry): string | undefined =>
  typeof access === "object" && "action" in access ? access.action : undefined;

describe("every operation", () => {
  let world: World;
  before(async () => {
    world = await openWorldWithThings();
  });
  after(() => world[Symbol.asyncDispose]());

  for (const entry of OPERATION_ENTRIES) {
    if (entry.access === "public") continue;

    test(`${entry.name} refuses who brings no credential`, async () => {
      const answer = await request(world, entry, "nobody");
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.code, "SIGN_IN_REQUIRED");
    });

    const action = actionOf(entry);
    if (action === undefined) continue;
    test(`${entry.name} is refused without ${action} and goes on with it alone`, async () => {
      await makeThings(world);
      const others = await world.addUser(`without-${entry.name}`, allButOne(action));
      const refused = await request(world, entry, others);
      assert.equal(refused.status, 403, refused.text);
      assert.equal(refused.code, "ACCESS_DENIED");
      const { data, advice } = refused.json.error;
      assert.equal(data.action, action);
      assert.ok(advice.includes(`allows ${action} on ${data.resource};`), advice);
      const allowed = await request(world, entry, await world.addUser(`with-${entry.name}`, allowing(action)));
      assert.notEqual(allowed.code, "ACCESS_DENIED", allowed.text);
      assert.ok(allowed.status < 500, `${allowed.status} ${allowed.text}`);
      assert.deepEqual(world.unexpected, []);
    });
  }
});

describe("authorization", () => {
  test("only the root key takes a backup, whatever a policy allows", async () => {
    await using world = await openWorldWithThings();
    const admin = await world.addUser("admin", allowing("s3:*", "ashlar:*"));
    const refused = await world.call("POST", "/v1/backup", { by: admin });
    assert.equal(refused.code, "ACCESS_DENIED");
    assert.equal(refused.json.error.advice, "Do it with the root key: no policy can allow it.");
  });

  test("deleteObjects asks for each object", async () => {
    await using world = await openWorldWithThings();
    const Statement = [{ Effect: "Allow", Action: "s3:DeleteObject", Resource: "arn:aws:s3:::photos/mine/*" }];
    const by = await world.addUser("alice", { Version: "2012-10-17", Statement });
    const json = { objects: [{ key: "mine/x" }, { key: "a.txt" }] };
    const answer = await world.call("POST", "/v1/buckets/photos/delete", { by, json });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      answer.json.deleted.map((each: { key: string }) => each.key),
      ["mine/x"],
    );
    assert.deepEqual(
      answer.json.failed.map((each: { key: string; code: string }) => [each.key, each.code]),
      [["a.txt", "ACCESS_DENIED"]],
    );
    assert.equal((await world.objects.stat({ bucket: "photos", key: "a.txt" })).info.size, 5);
  });

  test("reading one version needs the action for versions", async () => {
    await using world = await openWorldWithThings();
    const by = await world.addUser("alice", allowing("s3:GetObject"));
    assert.equal((await world.call("GET", "/v1/buckets/photos/object?key=a.txt", { by })).status, 200);
    const answer = await world.call("GET", "/v1/buckets/photos/object?key=a.txt&versionId=null", { by });
    assert.equal(answer.json.error.data.action, "s3:GetObjectVersion");
  });

  test("what an operation does beside its own needs its own action", async () => {
    await using world = await openWorldWithThings();
    const by = await world.addUser("alice", allowing("s3:CreateBucket", "ashlar:CreateUser"));
    assert.equal((await world.call("PUT", "/v1/buckets/plain", { by, json: {} })).status, 201);
    const versioned = await world.call("PUT", "/v1/buckets/versioned", { by, json: { versioning: "enabled" } });
    assert.equal(versioned.json.error.data.action, "s3:PutBucketVersioning");
    assert.equal((await world.call("PUT", "/v1/users/bob", { by, json: {} })).status, 201);
    const admin = await world.call("PUT", "/v1/users/eve", { by, json: { policies: ["consoleAdmin"] } });
    assert.equal(admin.json.error.data.action, "ashlar:UpdateUser");
    assert.equal((await world.call("GET", "/v1/users/eve")).code, "USER_MISSING");
  });

  test("a policy for one prefix does not allow a listing of everything", async () => {
    await using world = await openWorldWithThings();
    const Condition = { StringEquals: { "s3:prefix": "mine/" } };
    const Statement = [{ Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::photos", Condition }];
    const by = await world.addUser("alice", { Version: "2012-10-17", Statement });
    const list = (query: string) => world.call("GET", `/v1/buckets/photos/objects${query}`, { by });
    assert.equal((await list("?prefix=mine/")).status, 200);
    assert.equal((await list("")).code, "ACCESS_DENIED");
    assert.equal((await list("?prefix=mine/x")).code, "ACCESS_DENIED");
  });

  test("a bucket's policy decides here as it does over S3", async () => {
    await using world = await openWorldWithThings();
    const by = await world.addUser("alice", allowing("s3:*"));
    const Statement = [{ Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" }];
    const document = JSON.stringify({ Version: "2012-10-17", Statement });
    assert.equal((await world.call("PUT", "/v1/buckets/photos/policy", { json: { document } })).status, 204);
    assert.equal((await world.call("GET", "/v1/buckets/photos/object?key=a.txt", { by })).code, "ACCESS_DENIED");
    assert.equal(
      (await world.call("GET", "/v1/buckets/photos/object?key=a.txt")).status,
      200,
      "the root key is above it",
    );
  });

  test("a condition on an object's tags holds here too", async () => {
    await using world = await openWorldWithThings();
    const Condition = { StringEquals: { "s3:ExistingObjectTag/class": "public" } };
    const Statement = [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*", Condition }];
    const by = await world.addUser("alice", { Version: "2012-10-17", Statement });
    const read = () => world.call("GET", "/v1/buckets/photos/object?key=a.txt", { by });
    assert.equal((await read()).code, "ACCESS_DENIED");
    await world.objects.setTags({ bucket: "photos", key: "a.txt" }, new Map([["class", "public"]]));
    assert.equal((await read()).status, 200);
  });

  test("a narrow access key can do less than its user", async () => {
    await using world = await openWorldWithThings();
    await world.addUser("alice", allowing("ashlar:*"));
    const policy = JSON.stringify(allowing("ashlar:GetStatus"));
    const made = await world.call("POST", "/v1/users/alice/access-keys", { json: { policy } });
    const by = { accessKey: made.json.id, secretKey: made.json.secret };
    assert.equal((await world.call("GET", "/v1/status", { by })).status, 200);
    assert.equal((await world.call("GET", "/v1/users", { by })).code, "ACCESS_DENIED");
  });

  test("who may change one user's keys can not reach another's through them", async () => {
    await using world = await openWorldWithThings();
    const Statement = [{ Effect: "Allow", Action: "ashlar:*", Resource: "arn:aws:ashlar:::user/alice" }];
    const by = await world.addUser("alice", { Version: "2012-10-17", Statement });
    const victim = await world.access.keys.create("victim");
    assert.equal(
      (await world.call("DELETE", `/v1/users/victim/access-keys/${victim.id}`, { by })).code,
      "ACCESS_DENIED",
    );
    const sideways = await world.call("DELETE", `/v1/users/alice/access-keys/${victim.id}`, { by });
    assert.equal(sideways.code, "KEY_MISSING");
    assert.equal((await world.access.keys.get(victim.id)).user, "victim");
  });
});

async function openWorldWithThings(): Promise<World> {
  const world = await openWorld();
  await makeThings(world);
  return world;
}

/** Those that are there already stay as they are. */
async function makeThings(world: World): Promise<void> {
  await world.call("PUT", "/v1/buckets/photos", { json: {} });
  await world.call("PUT", "/v1/buckets/photos/object?key=a.txt", { body: "hello" });
  await world.call("PUT", "/v1/users/victim", { json: {} });
}

/** All actions of the two services but this one. */
function allButOne(action: string): object {
  return {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: ["s3:*", "ashlar:*"], Resource: "*" },
      { Effect: "Deny", Action: action, Resource: "*" },
    ],
  };
}

function request(world: World, entry: OperationEntry, by: Credentials | "nobody"): Promise<Answer> {
  const path = entry.path.replace(/\{(\w+)\}/g, (_, name: string) => PATH[name]!);
  const query = required(parametersOf(entry.query)).map((name) => `${name}=${QUERY[name]!}`);
  const target = query.length === 0 ? path : `${path}?${query.join("&")}`;
  const json = entry.body !== undefined && entry.body !== "stream" ? { json: BODY[entry.name] ?? {} } : {};
  const body = entry.body === "stream" ? { body: "hello" } : {};
  if (entry.reply === "events") return watch(world, target, by);
  return world.call(entry.method, target, { by, ...json, ...body });
}

/** A stream that was let in does not end by itself: that it is left, and not refused, is the proof. */
async function watch(world: World, target: string, by: Credentials | "nobody"): Promise<Answer> {
  const leave = new AbortController();
  const answered = world.call("GET", target, { by, signal: leave.signal }).catch(() => undefined);
  const answer = await Promise.race([answered, settle().then(settle).then(settle)]);
  leave.abort();
  return (
    answer ?? { status: 200, headers: new Map(), body: new Uint8Array(0), text: "", json: undefined, code: undefined }
  );
}

function required({ properties, optional = [] }: ObjectSchema): string[] {
  return Object.keys(properties).filter((name) => !optional.includes(name));
}
