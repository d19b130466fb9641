import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { text } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { TABLES } from "../../store/index.ts";
import type { AccessErrorCode } from "./errors.ts";
import { principalOf, ROOT, standingOf, startAccess } from "./testing/access.ts";

function fails(promise: Promise<unknown>, code: AccessErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => hasCode(error, code));
}

const DAY_MILLIS = 86_400_000;
const READ = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } });

describe("access keys", () => {
  test("are made with an id and a secret that is told once", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    await users.create("alice");
    const key = await keys.create("alice", { description: "laptop", policy: READ });
    const told = inspect([await keys.get(key.id), await keys.listOf("alice"), await keys.list({ limit: 10 })], {
      depth: 9,
    });
    assert.ok(!told.includes(key.secret));
    for (const row of node.store.rowsOf(TABLES.accessKey)) assert.ok(!text(row.value).includes(key.secret));
    const { id, user, description, policy, enabled, lastUsedMillis } = await keys.get(key.id);
    assert.deepEqual([id, user, description, policy, enabled], [key.id, "alice", "laptop", READ, true]);
    assert.equal(lastUsedMillis, undefined);
    assert.equal((await users.get("alice")).keyCount, 1);
  });

  test("of another system are taken over with id and secret", async () => {
    await using node = await startAccess();
    const { users, keys, policies } = node.access;
    await users.create("alice");
    const imported = { id: "minio-alice", secret: "correct horse".replace(" ", "-") };
    assert.deepEqual(await keys.create("alice", { imported }), imported);
    await fails(keys.create("alice", { imported }), "KEY_EXISTS");
    await fails(keys.create("alice", { imported: { id: ROOT.accessKey, secret: "12345678" } }), "KEY_EXISTS");
    await fails(keys.create("alice", { imported: { id: "a/b", secret: "12345678" } }), "KEY_INVALID");
    const result = await node.access.findCredential("minio-alice");
    assert.equal(result.found && result.secret, imported.secret);
    assert.deepEqual((await policies.list({ limit: 1 })).policies.length, 1);
  });

  test("what is out of range is refused and changes nothing", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    await users.create("alice");
    await fails(keys.create("bob"), "USER_MISSING");
    await fails(keys.create("alice", { description: "x".repeat(257) }), "DESCRIPTION_TOO_LONG");
    await fails(keys.create("alice", { expiresMillis: node.env.nowMillis }), "EXPIRY_INVALID");
    await fails(keys.create("alice", { policy: "{}" }), "POLICY_MALFORMED");
    assert.equal((await users.get("alice")).keyCount, 0);
    const { id } = await keys.create("alice");
    const before = await keys.get(id);
    await fails(keys.update(id, { expiresMillis: 1 }), "EXPIRY_INVALID");
    await fails(keys.update(id, { policy: "{}" }), "POLICY_MALFORMED");
    await fails(keys.update("none", { enabled: false }), "KEY_MISSING");
    await fails(keys.delete("none"), "KEY_MISSING");
    await fails(keys.get("a/b"), "KEY_MISSING");
    assert.deepEqual(await keys.get(id), before);
  });

  test("updates change what they name, and null takes away", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    await users.create("alice");
    const expiresMillis = node.env.nowMillis + 1000;
    const { id } = await keys.create("alice", { description: "a", policy: READ, expiresMillis });
    const disabled = await keys.update(id, { enabled: false });
    assert.deepEqual(
      [disabled.enabled, disabled.description, disabled.policy, disabled.expiresMillis],
      [false, "a", READ, expiresMillis],
    );
    const changed = await keys.update(id, { enabled: true, description: "b", policy: null, expiresMillis: null });
    assert.deepEqual(
      [changed.enabled, changed.description, changed.policy, changed.expiresMillis],
      [true, "b", undefined, undefined],
    );
  });

  test("lists go page by page over the keys of all users", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    const ids: string[] = [];
    for (const user of ["alice", "bob"]) {
      await users.create(user);
      for (let at = 0; at < 5; at++) ids.push((await keys.create(user)).id);
    }
    for (const id of ids.slice(0, 3)) await standingOf(node.access, id);
    await node.env.advance(60_000);
    for (const limit of [1, 3, 10, 11]) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await keys.list({ limit, after });
        seen.push(...page.keys.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, ids.toSorted(), `pages of ${limit}`);
    }
    assert.deepEqual(
      (await keys.listOf("bob")).map(({ id }) => id),
      ids.slice(5),
    );
  });
});

describe("the day of last use", () => {
  test("is written within a minute, once a day, whatever the number of requests", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    await users.create("alice");
    const { id } = await keys.create("alice");
    const before = node.store.commits;
    for (let at = 0; at < 100; at++) await standingOf(node.access, id);
    await node.env.advance(59_999);
    assert.equal(node.store.commits, before);
    await node.env.advance(1);
    assert.equal(node.store.commits, before + 1);
    const day = Math.floor(node.env.nowMillis / DAY_MILLIS) * DAY_MILLIS;
    assert.equal((await keys.get(id)).lastUsedMillis, day);
    for (let at = 0; at < 100; at++) await standingOf(node.access, id);
    await node.env.advance(120_000);
    assert.equal(node.store.commits, before + 1);
    await node.env.advance(DAY_MILLIS);
    await standingOf(node.access, id);
    await node.env.advance(60_000);
    assert.equal((await keys.get(id)).lastUsedMillis, day + DAY_MILLIS);
  });

  test("is written when the service ends", async () => {
    const node = await startAccess();
    await node.access.users.create("alice");
    const { id } = await node.access.keys.create("alice");
    await standingOf(node.access, id);
    await node[Symbol.asyncDispose]();
    assert.notEqual((await node.access.keys.get(id)).lastUsedMillis, undefined);
    assert.equal(node.env.timersWaiting, 0);
  });

  test("brings no deleted key back, and the others of its batch are written", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    await users.create("alice");
    const [gone, changed, kept] = [await keys.create("alice"), await keys.create("alice"), await keys.create("alice")];
    for (const { id } of [gone, changed, kept]) await standingOf(node.access, id);
    await keys.delete(gone.id);
    await keys.update(changed.id, { description: "x" });
    await node.env.advance(60_000);
    await fails(keys.get(gone.id), "KEY_MISSING");
    assert.ok(!node.store.rowsOf(TABLES.accessKey).some((row) => text(row.key) === gone.id));
    assert.notEqual((await keys.get(kept.id)).lastUsedMillis, undefined);
    await standingOf(node.access, changed.id);
    await node.env.advance(60_000);
    assert.notEqual((await keys.get(changed.id)).lastUsedMillis, undefined);
  });

  test("is noted again where the Store refused it", async () => {
    await using node = await startAccess();
    const { users, keys } = node.access;
    await users.create("alice");
    const { id } = await keys.create("alice");
    await standingOf(node.access, id);
    node.store.refuseCommits = 1;
    await node.env.advance(60_000);
    assert.equal((await keys.get(id)).lastUsedMillis, undefined);
    await standingOf(node.access, id);
    await node.env.advance(60_000);
    assert.notEqual((await keys.get(id)).lastUsedMillis, undefined);
  });

  test("does not disturb what is known of the key", async () => {
    await using node = await startAccess();
    await node.access.users.create("alice");
    const { id } = await node.access.keys.create("alice");
    const principal = await principalOf(node.access, id);
    await node.env.advance(60_000 - 1);
    await principalOf(node.access, id);
    const reads = node.store.reads;
    assert.equal(await principalOf(node.access, id), principal);
    assert.equal(node.store.reads, reads);
  });
});
