import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SealingCipher } from "../../env/crypto.ts";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { keyRow, policyRow, userRow } from "./records.ts";
import { credentialOf, principalOf, ROOT, standingOf, startAccess, type TestAccess } from "./testing/access.ts";
import { settle } from "./testing/manual-env.ts";

const READ = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } });
const GET = { action: "s3:GetObject", resource: "arn:aws:s3:::bucket/key" } as const;
const PUT = { action: "s3:PutObject", resource: "arn:aws:s3:::bucket/key" } as const;

/** alice, with a key and readwrite. */
async function startWithKey(): Promise<TestAccess & { readonly id: string; readonly secret: string }> {
  const node = await startAccess();
  await node.access.users.create("alice", { policies: ["readwrite"] });
  return { ...node, ...(await node.access.keys.create("alice")) };
}

describe("a credential", () => {
  test("of root needs no Store", async () => {
    await using node = await startAccess();
    node.store.pause = () => new Promise(() => {});
    const result = node.access.credential(ROOT.accessKey);
    assert.ok(result?.found);
    assert.equal(result.secret, ROOT.secretKey);
    assert.deepEqual(node.access.authorize(result.principal, PUT), { decision: "allow" });
    node.store.pause = async () => {};
  });

  test("of a user is loaded once and then at hand at once, without a read", async () => {
    await using node = await startWithKey();
    assert.equal(node.access.credential(node.id), undefined);
    const loaded = await node.access.findCredential(node.id);
    assert.ok(loaded.found && loaded.principal.type === "user");
    assert.equal(loaded.secret, node.secret);
    assert.deepEqual([loaded.principal.name, loaded.principal.accessKeyId], ["alice", node.id]);
    const reads = node.store.reads;
    const known = node.access.credential(node.id);
    assert.ok(known?.found);
    assert.equal(known.principal, loaded.principal);
    assert.equal(node.store.reads, reads);
  });

  test("is found while no watch runs, though nothing can be kept", async () => {
    await using node = await startWithKey();
    node.store.cutWatches();
    await settle();
    assert.equal(await standingOf(node.access, node.id), "found");
    assert.equal(node.access.credential(node.id), undefined);
  });

  test("does not exist for what is no key id, without a read", async () => {
    await using node = await startAccess();
    const reads = node.store.reads;
    for (const id of ["", "a/b", "x".repeat(200), "é"]) {
      assert.deepEqual(node.access.credential(id), { found: false, reason: "unknown" });
    }
    assert.equal(node.store.reads, reads);
    assert.equal(await standingOf(node.access, "ASHKABCDEFGHIJKLMNOP"), "unknown");
    assert.equal(await standingOf(node.access, "ASHTABCDEFGHIJKLMNOP"), "token-missing");
    assert.equal(await standingOf(node.access, ROOT.accessKey, "x"), "token-invalid");
  });

  test("changes at once on this node with its key, its user and its policies", async () => {
    await using node = await startWithKey();
    const { access, id } = node;
    const { users, keys, policies } = access;
    const can = async (request: typeof GET | typeof PUT): Promise<string> =>
      access.authorize(await principalOf(access, id), request).decision;
    assert.equal(await can(PUT), "allow");
    await keys.update(id, { enabled: false });
    assert.equal(await standingOf(access, id), "disabled");
    await keys.update(id, { enabled: true, policy: READ });
    assert.deepEqual([await can(GET), await can(PUT)], ["allow", "implicit-deny"]);
    await keys.update(id, { policy: null });
    await users.update("alice", { enabled: false });
    assert.equal(await standingOf(access, id), "disabled");
    await users.update("alice", { enabled: true, policies: ["readonly"] });
    assert.deepEqual([await can(GET), await can(PUT)], ["allow", "implicit-deny"]);
    await policies.put("own", { document: READ.replace("GetObject", "PutObject") });
    await users.attach("alice", "own");
    assert.deepEqual([await can(GET), await can(PUT)], ["allow", "allow"]);
    await policies.put("own", { document: READ });
    assert.deepEqual([await can(GET), await can(PUT)], ["allow", "implicit-deny"]);
    await keys.delete(id);
    assert.equal(await standingOf(access, id), "unknown");
  });

  test("is gone with its user at once", async () => {
    await using node = await startWithKey();
    assert.equal(await standingOf(node.access, node.id), "found");
    await node.access.users.delete("alice");
    assert.equal(await standingOf(node.access, node.id), "unknown");
  });

  test("expires at its time", async () => {
    await using node = await startWithKey();
    const { access, env, id } = node;
    await access.keys.update(id, { expiresMillis: env.nowMillis + 5000 });
    assert.equal(await standingOf(access, id), "found");
    await env.advance(4999);
    assert.equal(await standingOf(access, id), "found");
    await env.advance(1);
    assert.equal(await standingOf(access, id), "expired");
  });

  test("follows changes on other nodes as soon as the watch tells them", async () => {
    await using node = await startWithKey();
    await using other = await startAccess({ store: node.store });
    assert.equal(await standingOf(other.access, node.id), "found");
    await node.access.keys.update(node.id, { enabled: false });
    await settle();
    assert.equal(await standingOf(other.access, node.id), "disabled");
  });

  test("is revoked on other nodes within a minute even if their watch stalls", async () => {
    await using node = await startWithKey();
    await using other = await startAccess({ store: node.store });
    assert.equal(await standingOf(other.access, node.id), "found");
    node.store.holdWatches(true);
    await node.access.users.update("alice", { enabled: false });
    await settle();
    assert.equal(await standingOf(other.access, node.id), "found");
    await other.env.advance(ACCESS_LIMITS.cachedMillisMax + 1);
    assert.equal(await standingOf(other.access, node.id), "disabled");
  });

  test("is let go of here even where the commit's reply was lost", async () => {
    await using node = await startWithKey();
    assert.equal(await standingOf(node.access, node.id), "found");
    node.store.holdWatches(true);
    node.store.loseReplies = 1;
    await assert.rejects(node.access.keys.update(node.id, { enabled: false }), (error) =>
      hasCode(error, "OUTCOME_UNKNOWN"),
    );
    assert.equal(await standingOf(node.access, node.id), "disabled");
  });

  test("is unreadable under another seal key, and a sealed secret fits no other key's row", async () => {
    await using node = await startWithKey();
    const { access, store, id } = node;
    const cipher = new SealingCipher(new Uint8Array(32).fill(8), (length) => node.env.random.bytes(length));
    await using other = await startAccess({ store, cipher });
    assert.equal(await standingOf(other.access, id), "unreadable");
    const second = await access.keys.create("alice");
    const { row } = await store.get(keyRow(id));
    await store.commit({ puts: [{ ...keyRow(second.id), value: row!.value }] });
    assert.equal(await standingOf(access, second.id), "unreadable");
  });

  test("may do nothing where one of its policies is gone or can not be read", async () => {
    await using node = await startWithKey();
    const { access, store, id } = node;
    await access.policies.put("own", { document: READ });
    await access.users.attach("alice", "own");
    const decide = async (): Promise<string> => access.authorize(await principalOf(access, id), GET).decision;
    assert.equal(await decide(), "allow");
    const { row } = await store.get(policyRow("own"));
    await store.commit({ deletes: [policyRow("own")] });
    await settle();
    assert.equal(await decide(), "deny");
    const spoiled = row!.value.slice();
    spoiled[spoiled.length - 1] = 0x21;
    await store.commit({ puts: [{ ...policyRow("own"), value: spoiled }] });
    await settle();
    assert.equal(await decide(), "deny");
  });

  test("of a damaged or newer record is an error, not a refusal", async () => {
    await using node = await startWithKey();
    const { row } = await node.store.get(userRow("alice"));
    const newer = row!.value.slice();
    newer[0] = 2;
    const cut = row!.value.slice(0, -1);
    for (const [value, code] of [
      [newer, "RECORD_NEWER"],
      [cut, "RECORD_DAMAGED"],
      [utf8(""), "RECORD_DAMAGED"],
    ] as const) {
      await node.store.commit({ puts: [{ ...userRow("alice"), value }] });
      await settle();
      await assert.rejects(credentialOf(node.access, node.id), (error) => hasCode(error, code));
    }
  });
});
