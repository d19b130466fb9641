import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { TABLES } from "../../store/index.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import type { NewSession } from "./sessions.ts";
import { ROOT, startAccess, type TestAccess } from "./testing/access.ts";
import { settle } from "./testing/manual-env.ts";

const { sessionIdleMillis, sessionAbsoluteMillis, sessionsPerUserMax, sessionSweepMillis } = ACCESS_LIMITS;

function signIn(node: TestAccess, accessKeyId: string, secret: string, address = "192.0.2.1"): Promise<NewSession> {
  return node.access.login({ accessKeyId, secret, address, userAgent: "test" });
}

function asRoot(node: TestAccess): Promise<NewSession> {
  return signIn(node, ROOT.accessKey, ROOT.secretKey);
}

describe("a session", () => {
  test("is opened by an access key's secret and finds its principal", async () => {
    await using node = await startAccess();
    await node.access.users.create("alice");
    const key = await node.access.keys.create("alice");
    const { token, session } = await signIn(node, key.id, key.secret);
    assert.match(token, /^[\w-]{43}$/);
    const found = await node.access.signedIn(token);
    assert.ok(found?.principal.type === "user");
    assert.deepEqual([found.principal.name, found.session.id], ["alice", session.id]);
    assert.deepEqual([session.owner, session.address, session.userAgent], ["alice", "192.0.2.1", "test"]);
    assert.equal((await node.access.signedIn((await asRoot(node)).token))?.principal.type, "root");
  });

  test("is stored without its token", async () => {
    await using node = await startAccess();
    const { token } = await asRoot(node);
    const stored = node.store.rowsOf(TABLES.session).map((row) => text(row.key) + text(row.value));
    assert.ok(stored.length > 0 && stored.every((each) => !each.includes(token)));
  });

  test("is not found by anything but its token", async () => {
    await using node = await startAccess();
    const { token, session } = await asRoot(node);
    const last = token.endsWith("A") ? "E" : "A";
    for (const bad of ["", "x", token.slice(1), `${token}A`, token.slice(0, -1) + last, session.id, "é".repeat(43)]) {
      assert.equal(await node.access.signedIn(bad), undefined, bad);
    }
  });

  test("ends when it is not used, and use extends it up to its greatest age", async () => {
    await using node = await startAccess();
    const { access, env } = node;
    const idle = await asRoot(node);
    await env.advance(sessionIdleMillis - 1);
    assert.equal((await access.sessions.listOf("root")).length, 1);
    await env.advance(1);
    assert.equal(await access.signedIn(idle.token), undefined);
    const used = await asRoot(node);
    const startMillis = env.nowMillis;
    while (env.nowMillis + sessionIdleMillis / 2 < startMillis + sessionAbsoluteMillis) {
      await env.advance(sessionIdleMillis / 2);
      assert.notEqual(await access.signedIn(used.token), undefined);
      await settle();
    }
    await env.advance(sessionIdleMillis / 2);
    assert.equal(await access.signedIn(used.token), undefined);
  });

  test("has ended at its expiry whether or not its row was swept away", async () => {
    await using node = await startAccess({
      sessionLimits: { idleMillis: 8000, absoluteMillis: 20_000, perUserMax: 3 },
    });
    const { token } = await asRoot(node);
    await node.env.advance(7999);
    assert.notEqual(await node.access.signedIn(token), undefined);
    await settle();
    await node.env.advance(7999);
    assert.notEqual(await node.access.signedIn(token), undefined);
    await settle();
    await node.env.advance(4002);
    assert.equal(await node.access.signedIn(token), undefined, "by age");
    const second = await asRoot(node);
    await node.env.advance(8000);
    assert.equal(await node.access.signedIn(second.token), undefined, "by not being used");
    assert.notDeepEqual(node.store.rowsOf(TABLES.session), []);
  });

  test("that is revoked while its use is being written stays revoked", async () => {
    await using node = await startAccess();
    const { access, env, store } = node;
    const { token, session } = await asRoot(node);
    await env.advance(sessionIdleMillis / 2);
    const gate = Promise.withResolvers<void>();
    const commit = store.commit.bind(store);
    store.commit = async (change) => {
      store.commit = commit;
      await gate.promise;
      return commit(change);
    };
    assert.notEqual(await access.signedIn(token), undefined);
    await access.sessions.revoke("root", session.id);
    gate.resolve();
    await settle();
    assert.equal(await access.signedIn(token), undefined);
    assert.deepEqual(store.rowsOf(TABLES.session), []);
  });

  test("writes its use at most eight times an idle time", async () => {
    await using node = await startAccess();
    const { access, env, store } = node;
    const { token } = await asRoot(node);
    const before = store.commits;
    for (let at = 0; at < 600; at++) {
      await env.advance(sessionIdleMillis / 600);
      await access.signedIn(token);
      await settle();
    }
    assert.ok(store.commits - before <= 8, `${store.commits - before} commits`);
    assert.notEqual(await access.signedIn(token), undefined);
  });

  test("ends with the key that opened it, whatever ends the key", async () => {
    await using node = await startAccess();
    const { access } = node;
    await access.users.create("alice");
    const key = await access.keys.create("alice");
    const { token } = await signIn(node, key.id, key.secret);
    await access.keys.update(key.id, { enabled: false });
    assert.equal(await access.signedIn(token), undefined);
    await access.keys.update(key.id, { enabled: true });
    assert.notEqual(await access.signedIn(token), undefined);
    await access.users.delete("alice");
    assert.equal(await access.signedIn(token), undefined);
    await access.users.create("alice");
    await access.keys.create("alice", { imported: key });
    assert.equal(await access.signedIn(token), undefined, "another user of the same name, with the same key");
  });

  test("of root ends when the root key is another", async () => {
    await using node = await startAccess();
    const { token } = await asRoot(node);
    await using same = await startAccess({ store: node.store });
    assert.notEqual(await same.access.signedIn(token), undefined);
    await using other = await startAccess({ store: node.store, root: { ...ROOT, secretKey: "another-root-secret" } });
    assert.equal(await other.access.signedIn(token), undefined);
  });
});

describe("the sessions of a user", () => {
  test("are listed and revoked, one or all", async () => {
    await using node = await startAccess();
    const { sessions } = node.access;
    const [first, second, third] = [await asRoot(node), await asRoot(node), await asRoot(node)];
    const ids = async (): Promise<readonly string[]> => (await sessions.listOf("root")).map(({ id }) => id);
    assert.deepEqual(await ids(), [first.session.id, second.session.id, third.session.id]);
    assert.deepEqual(await sessions.listOf("nobody"), []);
    await sessions.revoke("root", second.session.id);
    assert.equal(await node.access.signedIn(second.token), undefined);
    assert.notEqual(await node.access.signedIn(first.token), undefined);
    assert.deepEqual(await ids(), [first.session.id, third.session.id]);
    await assert.rejects(sessions.revoke("root", second.session.id), (error) => hasCode(error, "SESSION_MISSING"));
    await assert.rejects(sessions.revoke("nobody", first.session.id), (error) => hasCode(error, "SESSION_MISSING"));
    await sessions.revokeAll("root");
    assert.equal(await node.access.signedIn(first.token), undefined);
    assert.deepEqual(node.store.rowsOf(TABLES.session), []);
  });

  test("are a limited number: the oldest makes room", async () => {
    await using node = await startAccess();
    const all: NewSession[] = [];
    for (let at = 0; at < sessionsPerUserMax + 3; at++) all.push(await asRoot(node));
    assert.equal((await node.access.sessions.listOf("root")).length, sessionsPerUserMax);
    for (const [at, { token }] of all.entries()) {
      assert.equal((await node.access.signedIn(token)) !== undefined, at >= 3, `session ${at}`);
    }
    assert.equal(node.store.rowsOf(TABLES.session).length, sessionsPerUserMax + 1);
  });

  test("opened at the same time are all there", async () => {
    await using node = await startAccess();
    const all = await Promise.all(Array.from({ length: 5 }, () => asRoot(node)));
    for (const { token } of all) assert.notEqual(await node.access.signedIn(token), undefined);
  });

  test("that have ended are swept away", async () => {
    await using node = await startAccess();
    const { env, store } = node;
    for (let at = 0; at < 3; at++) await asRoot(node);
    await env.advance(sessionSweepMillis);
    assert.equal(store.rowsOf(TABLES.session).length, 1, "the list stays until the greatest age");
    for (let passed = 0; passed < sessionAbsoluteMillis; passed += sessionSweepMillis)
      await env.advance(sessionSweepMillis);
    assert.deepEqual(store.rowsOf(TABLES.session), []);
  });

  test("that live are left by the sweep", async () => {
    await using node = await startAccess();
    const { token } = await asRoot(node);
    await node.access.sessions.sweep();
    assert.notEqual(await node.access.signedIn(token), undefined);
    assert.equal(node.store.rowsOf(TABLES.session).length, 2);
  });
});

describe("signing in", () => {
  test("fails alike for a wrong secret, an unknown key and a disabled one", async () => {
    await using node = await startAccess();
    const { access } = node;
    await access.users.create("alice");
    const key = await access.keys.create("alice");
    const messages = new Set<string>();
    const attempt = (id: string, secret: string): Promise<void> =>
      assert.rejects(signIn(node, id, secret), (error) => {
        assert.ok(hasCode(error, "LOGIN_FAILED"));
        messages.add(`${error.message} ${JSON.stringify(error.data)}`);
        return true;
      });
    await attempt(key.id, `${key.secret}x`);
    await attempt("ASHKABCDEFGHIJKLMNOP", key.secret);
    await attempt(ROOT.accessKey, key.secret);
    await access.keys.update(key.id, { enabled: false });
    await attempt(key.id, key.secret);
    assert.equal(messages.size, 1);
  });

  test("waits after many failures, also with the right secret, and goes on after the wait", async () => {
    await using node = await startAccess();
    const { access, env } = node;
    await access.users.create("alice");
    const key = await access.keys.create("alice");
    const guess = (at: number): Promise<void> =>
      assert.rejects(signIn(node, key.id, "wrong", `192.0.2.${at}`), (error) => hasCode(error, "LOGIN_FAILED"));
    for (let at = 0; at < 6; at++) await guess(at);
    await assert.rejects(
      signIn(node, key.id, key.secret),
      (error) => hasCode(error, "LOGIN_DELAYED") && JSON.stringify(error.data) === '{"retryAfterMillis":1000}',
    );
    await env.advance(1000);
    await signIn(node, key.id, key.secret);
    for (let at = 0; at < 5; at++) await guess(at);
    await signIn(node, key.id, key.secret);
  });

  test("attempts made at once are counted one by one", async () => {
    await using node = await startAccess();
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => signIn(node, ROOT.accessKey, "wrong")));
    const codes = results.map((result) =>
      result.status === "rejected" ? (result.reason as { code: string }).code : "in",
    );
    assert.equal(codes.filter((code) => code === "LOGIN_FAILED").length, 6);
    assert.equal(codes.filter((code) => code === "LOGIN_DELAYED").length, 24);
  });
});
