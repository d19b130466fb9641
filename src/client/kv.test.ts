import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle } from "../gateway/api/testing/manual-time.ts";
import { utf8 } from "../std/bytes.ts";
import { broken, failure, json, never, ScriptedCluster } from "./testing/scripted-cluster.ts";

const COMMITTED = { committed: true, revision: 7, position: "p" };
const COMMIT = "/v1/kv/commit";

describe("a call", () => {
  test("is signed, and goes to the next server where one can not answer", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b", "c"]);
    const row = { key: "k", value: "v", revision: 3 };
    cluster.answer = ({ server }) => {
      if (server === "a") return broken("ECONNREFUSED");
      return server === "b" ? failure(503, "NO_LEADER") : json(200, { row, position: "p" });
    };
    const found = await ash.kv.get("k");
    assert.deepEqual(found, { key: utf8("k"), suffix: utf8(""), value: utf8("v"), revision: 3, leased: false });
    assert.deepEqual(cluster.asked("/v1/kv/row"), ["a", "b", "c"]);
    assert.match(cluster.requests.at(-1)!.headers["authorization"]!, /^AWS4-HMAC-SHA256 Credential=KEY\//);
    await ash.kv.get("k");
    assert.deepEqual(cluster.asked("/v1/kv/row"), ["a", "b", "c", "c"], "it stays where it was answered");
  });

  test("leaves a server that does not answer in time, and tells each how long it waits", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b"], { attemptMillisMax: 1000 });
    cluster.answer = ({ server }) => (server === "a" ? never() : json(200, { position: "p" }));
    const found = ash.kv.get("k", { timeoutMillis: 1500 });
    await settle();
    await cluster.time.advance(1000);
    assert.equal(await found, undefined);
    const waits = cluster.requests.flatMap(({ query }) => query.get("timeoutMillis") ?? []);
    assert.deepEqual(waits, ["1000", "500"]);
  });

  test("ends with the last failure when its time is over, and with the reason of its signal", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    cluster.answer = () => failure(503, "NO_LEADER");
    const late = assert.rejects(ash.kv.get("k", { timeoutMillis: 400 }), { code: "NO_LEADER" });
    await settle();
    await cluster.time.advance(400);
    await late;
    const reason = new RangeError("enough");
    const leave = new AbortController();
    cluster.answer = never;
    const aborted = assert.rejects(ash.kv.get("k", { signal: leave.signal }), reason);
    await settle();
    leave.abort(reason);
    await aborted;
    await assert.rejects(ash.kv.get("k", { signal: leave.signal }), reason);
    assert.equal(cluster.time.timers, 0);
  });

  test("rejects at once with what no other server would answer differently", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b"]);
    cluster.answer = () => failure(403, "ACCESS_DENIED");
    await assert.rejects(ash.kv.get("k"), { code: "ACCESS_DENIED", message: "It is ACCESS_DENIED.", advice: "Wait." });
    assert.deepEqual(cluster.asked("/v1/kv/row"), ["a"]);
    cluster.answer = () => ({ status: 200, body: null });
    await assert.rejects(ash.kv.get("k"), { code: "REPLY_UNREADABLE" });
    await assert.rejects(ash.kv.get("\ud800"), { code: "ARGUMENT_INVALID" });
  });

  test("waits where too many are under way, as long as it has time", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"], { requestsMax: 2 });
    cluster.answer = never;
    const under = [ash.kv.get("k"), ash.kv.get("k")].map((call) => assert.rejects(call));
    const waits = assert.rejects(ash.kv.get("k", { timeoutMillis: 100 }), { code: "DEADLINE_EXCEEDED" });
    await settle();
    await cluster.time.advance(100);
    await waits;
    assert.equal(cluster.asked("/v1/kv/row").length, 2);
    await ash.close();
    await Promise.all(under);
  });

  test("after the client is closed rejects with CLOSED, and so does one that waits", async () => {
    const cluster = new ScriptedCluster();
    const ash = await cluster.connect(["a"]);
    cluster.answer = never;
    const waiting = assert.rejects(ash.kv.get("k"), { code: "CLOSED" });
    await settle();
    await ash.close();
    await waiting;
    await assert.rejects(ash.kv.get("k"), { code: "CLOSED" });
  });
});

describe("a scan", () => {
  test("asks for page after page, with binary keys as they are", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const next = { key: { base64: "/w==" }, suffix: "s" };
    cluster.answer = ({ query }) => json(200, { items: [], position: "p", ...(!query.has("after") && { next }) });
    const pages = [];
    for await (const page of ash.kv.scan({ prefix: Uint8Array.of(0xfe) }, { reverse: true })) pages.push(page);
    assert.equal(pages.length, 2);
    const targets = cluster.requests.filter(({ path }) => path === "/v1/kv/rows").map(({ query }) => query.toString());
    assert.match(targets[1]!, /after=.*&afterSuffix=s&limit=1000&reverse=true/);
  });
});

describe("a commit", () => {
  test("whose reply is lost is repeated under its name, at any server, and answered once", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b"]);
    let sent = 0;
    cluster.answer = () => (++sent < 3 ? broken("ECONNRESET") : json(200, COMMITTED));
    const done = ash.kv.put("k", "v");
    await settle();
    await cluster.time.advance(1000);
    assert.deepEqual(await done, COMMITTED);
    const commits = cluster.requests.filter(({ path }) => path === COMMIT);
    assert.deepEqual(cluster.asked(COMMIT), ["a", "b", "a"]);
    for (const { body } of commits) assert.deepEqual(body, commits[0]!.body);
    assert.deepEqual(commits[0]!.body.request, { session: "s1", sequence: 1, acknowledged: 0 });
    await ash.kv.delete("k");
    assert.deepEqual(cluster.requests.at(-1)!.body.request, { session: "s1", sequence: 2, acknowledged: 1 });
  });

  test("without a name is not repeated where it may have happened, and is where it has not", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b"]);
    cluster.answer = () => broken("ECONNRESET");
    await assert.rejects(ash.kv.put("k", "v", { exactlyOnce: false }), { code: "OUTCOME_UNKNOWN" });
    assert.deepEqual(cluster.asked(COMMIT), ["a"]);
    assert.equal(cluster.requests.at(-1)!.body.request, undefined);
    cluster.answer = ({ server }) => (server === "a" ? broken("ECONNREFUSED") : json(200, COMMITTED));
    assert.deepEqual(await ash.kv.put("k", "v", { exactlyOnce: false }), COMMITTED);
  });

  test("that is given up once it was sent has an unknown outcome, and else the signal's reason", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    await ash.kv.put("k", "v").catch(() => {});
    cluster.answer = never;
    const leave = new AbortController();
    const sent = assert.rejects(ash.kv.put("k", "v", { signal: leave.signal }), { code: "OUTCOME_UNKNOWN" });
    await settle();
    leave.abort(new RangeError("enough"));
    await sent;
    await assert.rejects(ash.kv.put("k", "v", { signal: leave.signal }), RangeError);
    const late = assert.rejects(ash.kv.put("k", "v", { timeoutMillis: 100 }), { code: "OUTCOME_UNKNOWN" });
    await settle();
    await cluster.time.advance(100);
    await late;
  });

  test("goes in a new session where the server has lost the old one, unless it may have been applied there", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    cluster.answer = ({ body }) =>
      body.request.session === "s1" ? failure(409, "SESSION_UNKNOWN") : json(200, COMMITTED);
    assert.deepEqual(await ash.kv.put("k", "v"), COMMITTED);
    assert.deepEqual(cluster.requests.at(-1)!.body.request, { session: "s2", sequence: 1, acknowledged: 0 });
    let sent = 0;
    cluster.answer = () => (++sent === 1 ? failure(504, "OUTCOME_UNKNOWN") : failure(409, "SESSION_UNKNOWN"));
    const doubtful = assert.rejects(ash.kv.put("k", "v"), { code: "OUTCOME_UNKNOWN" });
    await settle();
    await cluster.time.advance(1000);
    await doubtful;
    cluster.answer = () => failure(409, "SESSION_UNKNOWN");
    await assert.rejects(ash.kv.put("k", "v"), { code: "SESSION_UNKNOWN" });
  });

  test("takes another session where one that is stuck holds up the window of the first", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const release = Promise.withResolvers<void>();
    cluster.answer = async ({ body }) => {
      if (body.puts[0].key === "stuck") await release.promise;
      return json(200, COMMITTED);
    };
    const stuck = ash.kv.put("stuck", "v");
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(Array.from({ length: 50 }, () => ash.kv.put("k", "v")));
    }
    release.resolve();
    await stuck;
    const names = cluster.requests.filter(({ path }) => path === COMMIT).map(({ body }) => body.request);
    for (const { sequence, acknowledged } of names) assert.ok(sequence <= acknowledged + 1000);
    assert.deepEqual([...new Set(names.map(({ session }) => session))], ["s1", "s2"]);
  });

  test("keeps its session alive while it is used, and opens another one after a long rest", async () => {
    const cluster = new ScriptedCluster();
    const ash = await cluster.connect(["a"]);
    cluster.answer = () => json(200, COMMITTED);
    for (let use = 0; use < 6; use++) {
      await ash.kv.put("k", "v");
      await cluster.time.advance(40_000);
    }
    const sessions = cluster.requests.flatMap(({ path, body }) => (path === COMMIT ? body.request.session : []));
    assert.deepEqual(new Set(sessions), new Set(["s1"]));
    assert.ok(cluster.asked("/v1/kv/leases/s1/keep-alive").length >= 4);
    await cluster.time.advance(120_000);
    await ash.kv.put("k", "v");
    assert.equal(cluster.requests.at(-1)!.body.request.session, "s2");
    await ash.close();
    assert.equal(cluster.requests.at(-1)!.method, "DELETE");
    assert.equal(cluster.time.timers, 0);
  });

  test("says with its checks what has to hold, and gives a conflict back as a result", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const conflict = { committed: false, failedChecks: [0], position: "p" };
    cluster.answer = () => json(200, conflict);
    assert.deepEqual(await ash.kv.compareAndSet({ key: "k", suffix: "s" }, 3, Uint8Array.of(0)), conflict);
    const { checks, puts, deletes } = cluster.requests.at(-1)!.body;
    assert.deepEqual(checks, [{ key: "k", suffix: "s", revision: 3 }]);
    assert.deepEqual([puts, deletes], [[{ key: "k", suffix: "s", value: { base64: "AA==" } }], []]);
    await ash.kv.compareAndSet("k", undefined, "v");
    assert.deepEqual(cluster.requests.at(-1)!.body.checks, [{ key: "k", absent: true }]);
  });
});
