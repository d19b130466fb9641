import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { TABLES } from "../../store/index.ts";
import type { AccessErrorCode } from "./errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { startAccess } from "./testing/access.ts";

function fails(promise: Promise<unknown>, code: AccessErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => hasCode(error, code));
}

const DOCUMENT = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } });

describe("users", () => {
  test("are created, read, changed and deleted", async () => {
    await using node = await startAccess();
    const { users } = node.access;
    const created = await users.create("alice", { policies: ["readonly"] });
    assert.match(created.id, /^ASHU/);
    assert.deepEqual(await users.get("alice"), created);
    assert.deepEqual([created.enabled, created.policies, created.keyCount], [true, ["readonly"], 0]);
    const changed = await users.update("alice", { enabled: false, policies: ["readwrite", "readwrite"] });
    assert.deepEqual([changed.enabled, changed.policies, changed.id], [false, ["readwrite"], created.id]);
    await users.delete("alice");
    await fails(users.get("alice"), "USER_MISSING");
    assert.deepEqual(node.store.rowsOf(TABLES.user), []);
  });

  test("a name that is taken, missing or no name is refused", async () => {
    await using node = await startAccess();
    const { users } = node.access;
    const alice = await users.create("alice");
    await fails(users.create("alice"), "USER_EXISTS");
    assert.deepEqual(await users.get("alice"), alice);
    await fails(users.create("a b"), "NAME_INVALID");
    await fails(users.create("root"), "NAME_INVALID");
    await fails(users.get("root"), "NAME_INVALID");
    await fails(users.update("bob", { enabled: true }), "USER_MISSING");
    await fails(users.attach("bob", "readonly"), "USER_MISSING");
    await fails(users.delete("bob"), "USER_MISSING");
  });

  test("one created anew under an old name has another id", async () => {
    await using node = await startAccess();
    const { users } = node.access;
    const first = await users.create("alice");
    await users.delete("alice");
    assert.notEqual((await users.create("alice")).id, first.id);
  });

  test("a change can ask that nothing has changed since it was read", async () => {
    await using node = await startAccess();
    const { users } = node.access;
    const { revision } = await users.create("alice");
    const changed = await users.update("alice", { enabled: false, ifRevision: revision });
    await fails(users.update("alice", { enabled: true, ifRevision: revision }), "REVISION_CHANGED");
    assert.equal((await users.update("alice", { enabled: true, ifRevision: changed.revision })).enabled, true);
  });

  test("lists go page by page in byte order, over rows of every kind", async () => {
    await using node = await startAccess();
    const { users } = node.access;
    const names = ["Zoe", "alice", "b", "b.c", "bob", "zed"];
    for (const name of names.toReversed()) await users.create(name);
    for (const limit of [1, 2, 4, 6, 1000]) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await users.list({ limit, after });
        assert.ok(page.users.length <= limit);
        seen.push(...page.users.map(({ name }) => name));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, names, `pages of ${limit}`);
    }
    for (const limit of [0, -1, 1.5, 1001]) await fails(users.list({ limit }), "PAGE_INVALID");
  });
});

describe("policies of users", () => {
  test("attaching and detaching what is so already changes nothing", async () => {
    await using node = await startAccess();
    const { users, policies } = node.access;
    await policies.put("own", { document: DOCUMENT });
    await users.create("alice");
    await users.attach("alice", "own");
    assert.deepEqual((await users.attach("alice", "own")).policies, ["own"]);
    assert.deepEqual((await users.detach("alice", "readonly")).policies, ["own"]);
    await fails(policies.delete("own"), "POLICY_IN_USE");
    assert.deepEqual((await users.detach("alice", "own")).policies, []);
    await policies.delete("own");
  });

  test("a policy that does not exist can not be attached, and one more than the limit neither", async () => {
    await using node = await startAccess();
    const { users, policies } = node.access;
    await fails(users.create("alice", { policies: ["own"] }), "POLICY_MISSING");
    await fails(users.get("alice"), "USER_MISSING");
    await users.create("alice");
    await fails(users.attach("alice", "own"), "POLICY_MISSING");
    const names = Array.from({ length: ACCESS_LIMITS.policiesPerUserMax + 1 }, (_, at) => `p${at}`);
    for (const name of names) await policies.put(name, { document: DOCUMENT });
    await users.update("alice", { policies: names.slice(1) });
    await fails(users.attach("alice", names[0]!), "LIMIT_POLICIES");
    await fails(users.update("alice", { policies: names }), "LIMIT_POLICIES");
    await users.update("alice", { policies: names.slice(0, -1) });
    await policies.delete(names.at(-1)!);
  });

  test("a policy is in use until the last of its users lets go of it", async () => {
    await using node = await startAccess();
    const { users, policies } = node.access;
    await policies.put("own", { document: DOCUMENT });
    for (const name of ["a", "b", "c"]) await users.create(name, { policies: ["own", "readonly"] });
    await users.update("a", { policies: ["readonly"] });
    await users.delete("b");
    await assert.rejects(
      policies.delete("own"),
      (error) => hasCode(error, "POLICY_IN_USE") && JSON.stringify(error.data) === '{"name":"own","users":1}',
    );
    await users.detach("c", "own");
    await policies.delete("own");
    assert.deepEqual(node.store.rowsOf(TABLES.policy), []);
  });

  test("a user at every limit is deleted in one commit", async () => {
    await using node = await startAccess();
    const { users, keys, policies } = node.access;
    const names = Array.from({ length: ACCESS_LIMITS.policiesPerUserMax }, (_, at) => `p${at}`);
    for (const name of names) await policies.put(name, { document: DOCUMENT });
    await users.create("alice", { policies: names });
    for (let at = 0; at < ACCESS_LIMITS.keysPerUserMax; at++) await keys.create("alice");
    await fails(keys.create("alice"), "LIMIT_KEYS");
    const before = node.store.commits;
    await users.delete("alice");
    assert.equal(node.store.commits, before + 1);
    assert.deepEqual(node.store.rowsOf(TABLES.accessKey), []);
  });
});
