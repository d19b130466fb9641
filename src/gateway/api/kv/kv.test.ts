import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EventStreamDecoder, type StreamEvent } from "../../../codec/event-stream/index.ts";
import { utf8 } from "../../../std/bytes.ts";
import { JSON_BYTES_FACTOR_MAX } from "../../../std/json-bytes.ts";
import { STORE_LIMITS, TABLES } from "../../../store/index.ts";
import { KV_OPERATIONS } from "../operations/kv.ts";
import { type Answer, openWorld, type World } from "../testing/world.ts";
import { KV_LIMITS, KV_WATCH_LIMITS } from "./limits.ts";
import { KV_SHAPES } from "./shapes.ts";

const commit = (world: World, body: object): Promise<Answer> => world.call("POST", "/v1/kv/commit", { json: body });
const put = (world: World, ...keys: string[]): Promise<Answer> =>
  commit(world, { puts: keys.map((key) => ({ key, value: `of ${key}` })) });

async function keysAt(world: World, target: string): Promise<readonly unknown[]> {
  const { json } = await world.call("GET", target);
  return json.items.map((row: { key: unknown }) => row.key);
}

function eventsOf(body: Uint8Array): StreamEvent[] {
  return new EventStreamDecoder({ eventCharactersMax: 1e7, tooLong: () => new RangeError() }).push(body);
}

describe("rows of users", () => {
  test("are read as they were written, with their revision, and are absent before and after", async () => {
    await using world = await openWorld();
    const before = await world.call("GET", "/v1/kv/row?key=a");
    assert.deepEqual([before.status, before.json.row], [200, undefined]);
    const written = await commit(world, { puts: [{ key: "a", value: "one" }] });
    assert.deepEqual(written.json, {
      committed: true,
      revision: written.json.revision,
      position: written.json.position,
    });
    const row = { key: "a", value: "one", revision: written.json.revision };
    assert.deepEqual((await world.call("GET", "/v1/kv/row?key=a")).json.row, row);
    const { json } = await world.call("POST", "/v1/kv/rows", { json: { rows: [{ key: "b" }, { key: "a" }] } });
    assert.deepEqual(json, { items: [{}, { row }] });
    await commit(world, { deletes: [{ key: "a" }] });
    assert.equal((await world.call("GET", "/v1/kv/row?key=a")).json.row, undefined);
  });

  test("are in a table that no service uses, and no other is reached", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    assert.deepEqual(await keysAt(world, "/v1/kv/rows"), []);
    await put(world, "photos");
    const { row } = await world.store.get({ table: TABLES.kv, key: utf8("photos") });
    assert.deepEqual(row?.value, utf8("of photos"));
    const named = await commit(world, { puts: [{ table: TABLES.bucket, key: "photos", value: "" }] });
    assert.equal(named.code, "INPUT_INVALID");
  });

  test("have keys and values of any bytes, in either form and in a query", async () => {
    await using world = await openWorld();
    const puts = [
      { key: { base64: "/wA=" }, value: { base64: "AAEC/w==" } },
      { key: "caf\u00e9", suffix: { base64: "AA==" }, value: { base64: "aGk=" } },
    ];
    assert.equal((await commit(world, { puts })).status, 200);
    const binary = await world.call("GET", "/v1/kv/row?key=%FF%00");
    assert.deepEqual([binary.json.row.key, binary.json.row.value], [{ base64: "/wA=" }, { base64: "AAEC/w==" }]);
    const text = await world.call("GET", "/v1/kv/row?key=caf%C3%A9&suffix=%00");
    assert.deepEqual([text.json.row.key, text.json.row.value], ["caf\u00e9", "hi"]);
    for (const key of ["\ud800", { base64: "x" }, 7, null]) {
      assert.equal((await commit(world, { deletes: [{ key }] })).code, "INPUT_INVALID");
    }
  });

  test("may be as large as the Store's limits, in the form that takes most room", async () => {
    await using world = await openWorld();
    const value = '"'.repeat(STORE_LIMITS.valueBytesMax);
    const puts = ["a", "b", "c"].map((key) => ({ key, value }));
    const room = STORE_LIMITS.commitBytesMax - 3 * (STORE_LIMITS.valueBytesMax + 4) - 4;
    const full = [...puts, { key: "d", value: '"'.repeat(room) }];
    assert.equal((await commit(world, { puts: full })).status, 200);
    assert.equal((await world.call("GET", "/v1/kv/row?key=a")).json.row.value, value);
    const over = await commit(world, { puts: [...puts, { key: "d", value: '"'.repeat(room + 1) }] });
    assert.deepEqual([over.status, over.code], [413, "TOO_LARGE"]);
    const longest = "k".repeat(STORE_LIMITS.keyBytesMax - 3);
    assert.equal((await put(world, longest)).status, 200);
    assert.equal((await world.call("GET", `/v1/kv/row?key=${longest}`)).json.row.key, longest);
    assert.deepEqual((await put(world, `${longest}k`)).code, "TOO_LARGE");
    const body = await commit(world, { puts: [{ key: "a", value: "x".repeat(KV_LIMITS.bodyBytesMax) }] });
    assert.deepEqual([body.status, body.code], [413, "BODY_TOO_LARGE"]);
  });

  test("are written only if all checks hold", async () => {
    await using world = await openWorld();
    const first = (await put(world, "a")).json.revision;
    const refused = await commit(world, {
      checks: [
        { key: "a", revision: first },
        { key: "b", absent: true },
        { key: "a", revision: first + 7 },
      ],
      puts: [{ key: "b", value: "x" }],
    });
    assert.deepEqual([refused.status, refused.json.committed, refused.json.failedChecks], [200, false, [2]]);
    assert.deepEqual(await keysAt(world, "/v1/kv/rows"), ["a"]);
    for (const check of [{ key: "a" }, { key: "a", revision: 1, absent: true }, { key: "a", absent: false }]) {
      assert.equal((await commit(world, { checks: [check] })).code, "INPUT_INVALID");
    }
    const twice = await commit(world, { puts: [{ key: "a", value: "" }], deletes: [{ key: "a" }] });
    assert.deepEqual([twice.status, twice.code], [400, "REQUEST_INVALID"]);
  });
});

describe("a scan", () => {
  test("reads the range that was named, in either direction, page by page", async () => {
    await using world = await openWorld();
    await put(world, "a", "b/1", "b/2", "b/3", "c");
    await commit(world, { puts: ["x", "y1", "y2"].map((suffix) => ({ key: "b/2", suffix, value: "" })) });
    assert.deepEqual(await keysAt(world, "/v1/kv/rows?prefix=b/"), [
      "b/1",
      ..."2222".split("").map(() => "b/2"),
      "b/3",
    ]);
    assert.deepEqual(await keysAt(world, "/v1/kv/rows?from=a&to=b/2"), ["a", "b/1"]);
    assert.equal((await keysAt(world, "/v1/kv/rows?key=b/2")).length, 4);
    const { json } = await world.call("GET", "/v1/kv/rows?key=b/2&suffixPrefix=y");
    assert.deepEqual(
      json.items.map(({ suffix }: { suffix: string }) => suffix),
      ["y1", "y2"],
    );
    for (const reverse of [false, true]) {
      const seen: string[] = [];
      let cursor = "";
      for (let pages = 0; pages < 20; pages++) {
        const { json: page } = await world.call("GET", `/v1/kv/rows?limit=3&reverse=${reverse}${cursor}`);
        for (const { key, suffix = "" } of page.items) seen.push(`${key} ${suffix}`);
        if (page.next === undefined) break;
        const { key, suffix = "" } = page.next;
        cursor = `&after=${encodeURIComponent(key)}&afterSuffix=${suffix}`;
      }
      const all = ["a ", "b/1 ", "b/2 ", "b/2 x", "b/2 y1", "b/2 y2", "b/3 ", "c "];
      assert.deepEqual(seen, reverse ? all.toReversed() : all);
    }
    // What is not of the range does not widen it.
    for (const query of ["after=c", "after=c&reverse=true", "after=a", "after=a&reverse=true"]) {
      const keys = await keysAt(world, `/v1/kv/rows?prefix=b/&${query}`);
      assert.equal(keys.length, ["after=c", "after=a&reverse=true"].includes(query) ? 0 : 6, query);
    }
  });

  test("ends a page early by bytes, and never without a row", async () => {
    await using world = await openWorld();
    const value = "x".repeat(STORE_LIMITS.valueBytesMax);
    for (const key of "abcdefgh") await commit(world, { puts: [{ key, value }] });
    const first = await world.call("GET", "/v1/kv/rows?limit=1000");
    assert.deepEqual([first.json.items.length, first.json.next], [4, { key: "d" }]);
    const next = await world.call("GET", "/v1/kv/rows?limit=1000&after=d");
    assert.deepEqual([next.json.items.length, next.json.next], [4, undefined]);
  });

  test("says what is wrong with a range that says two things", async () => {
    await using world = await openWorld();
    for (const query of [
      "prefix=a&from=b",
      "key=a&prefix=a",
      "suffixPrefix=a",
      "afterSuffix=a",
      "level=stale&atLeast=p",
    ]) {
      assert.deepEqual((await world.call("GET", `/v1/kv/rows?${query}`)).code, "INPUT_INVALID", query);
    }
  });
});

test("the operations say the limits that hold", () => {
  const operation = (name: string) => JSON.stringify(KV_OPERATIONS.find((entry) => entry.name === name));
  assert.match(operation("getRows"), new RegExp(`"maxItems":${KV_LIMITS.getManyMax}\\b`));
  assert.match(operation("scanRows"), new RegExp(`"maximum":${KV_LIMITS.pageRowsMax}\\b`));
  assert.match(operation("commitRows"), new RegExp(`"bodyBytesMax":${KV_LIMITS.bodyBytesMax}\\b`));
  assert.equal(KV_LIMITS.bodyBytesMax, STORE_LIMITS.commitBytesMax * JSON_BYTES_FACTOR_MAX + 262_144);
  const { watchersMax, watchersOfCallerMax } = KV_WATCH_LIMITS;
  const said = `At most ${watchersMax.toLocaleString("en")} are open at a node, ${watchersOfCallerMax} of one caller.`;
  assert.ok(operation("watchRows").includes(said));
  assert.equal(KV_SHAPES.TimeoutMillis.maximum, KV_LIMITS.timeoutMillisMax);
  const { minimum, maximum } = KV_SHAPES.LeaseTtl;
  assert.deepEqual([minimum, maximum], [STORE_LIMITS.leaseTtlMillisMin, STORE_LIMITS.leaseTtlMillisMax]);
});

describe("reads", () => {
  test("take a level: a position that was given out, and none that was not", async () => {
    await using world = await openWorld();
    const { position } = (await put(world, "a")).json;
    assert.equal((await world.call("GET", `/v1/kv/row?key=a&atLeast=${position}`)).json.row.value, "of a");
    assert.equal((await world.call("GET", "/v1/kv/row?key=a&level=stale")).status, 200);
    const unknown = await world.call("GET", "/v1/kv/row?key=a&atLeast=p1-1.zzzzzz");
    assert.deepEqual([unknown.status, unknown.code], [400, "POSITION_INVALID"]);
  });

  test("of many rows have a limit in number and in bytes", async () => {
    await using world = await openWorld();
    const rows = Array.from({ length: KV_LIMITS.getManyMax + 1 }, () => ({ key: "a" }));
    assert.equal((await world.call("POST", "/v1/kv/rows", { json: { rows } })).code, "INPUT_INVALID");
    await commit(world, { puts: [{ key: "a", value: "x".repeat(STORE_LIMITS.valueBytesMax) }] });
    const fits = { rows: rows.slice(0, 15) };
    assert.equal((await world.call("POST", "/v1/kv/rows", { json: fits })).status, 200);
    const over = await world.call("POST", "/v1/kv/rows", { json: { rows: rows.slice(0, 17) } });
    assert.deepEqual([over.status, over.code], [413, "TOO_LARGE"]);
  });

  test("that wait too long end with DEADLINE_EXCEEDED", async () => {
    await using world = await openWorld();
    world.store.get = () => new Promise(() => {});
    const answered = world.call("GET", "/v1/kv/row?key=a&timeoutMillis=250");
    await world.time.advance(1);
    await world.time.advance(250);
    const answer = await answered;
    assert.deepEqual([answer.status, answer.code], [504, "DEADLINE_EXCEEDED"]);
  });
});

describe("leases and sessions", () => {
  test("belong to who granted them: nobody else keeps, ends or uses one", async () => {
    await using world = await openWorld();
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ashlar:*", Resource: "*" }] };
    const alice = await world.addUser("alice", policy);
    const granted = await world.call("POST", "/v1/kv/leases", { json: { ttlMillis: 5000 }, by: alice });
    assert.equal(granted.status, 201);
    const { lease } = granted.json;
    assert.match(lease, /^[\w-]{48}$/);
    assert.equal((await world.call("POST", `/v1/kv/leases/${lease}/keep-alive`, { by: alice })).status, 204);
    const stranger = await world.call("POST", `/v1/kv/leases/${lease}/keep-alive`);
    assert.deepEqual([stranger.status, stranger.code], [404, "LEASE_UNKNOWN"]);
    assert.equal((await world.call("DELETE", `/v1/kv/leases/${lease}`)).code, "LEASE_UNKNOWN");
    assert.equal((await commit(world, { puts: [{ key: "a", value: "" }], lease })).code, "LEASE_UNKNOWN");
    const session = await commit(world, { puts: [{ key: "a", value: "" }], request: { session: lease, sequence: 1 } });
    assert.deepEqual([session.status, session.code], [409, "SESSION_UNKNOWN"]);
    for (const made of ["1", "x".repeat(48), `${lease.slice(0, -1)}${lease.endsWith("A") ? "B" : "A"}`]) {
      const answer = await world.call("POST", `/v1/kv/leases/${made}/keep-alive`, { by: alice });
      assert.equal(answer.code, "LEASE_UNKNOWN", made);
    }
  });

  test("take their rows with them, and a commit under a name happens once", async () => {
    await using world = await openWorld();
    const { lease } = (await world.call("POST", "/v1/kv/leases", { json: { ttlMillis: 60_000 } })).json;
    const named = { puts: [{ key: "a", value: "1" }], lease, request: { session: lease, sequence: 1 } };
    const first = await commit(world, named);
    await commit(world, { puts: [{ key: "a", value: "2" }] });
    assert.deepEqual((await commit(world, named)).json.revision, first.json.revision);
    assert.equal((await world.call("GET", "/v1/kv/row?key=a")).json.row.value, "2");
    await commit(world, { puts: [{ key: "b", value: "" }], lease });
    assert.equal((await world.call("GET", "/v1/kv/row?key=b")).json.row.leased, true);
    assert.equal((await world.call("DELETE", `/v1/kv/leases/${lease}`)).status, 204);
    assert.deepEqual(await keysAt(world, "/v1/kv/rows"), ["a"]);
    assert.equal((await commit(world, named)).code, "SESSION_UNKNOWN");
  });
});

describe("a watch", () => {
  test("begins where the Store stands, tells each commit once, and can be resumed at what it told", async () => {
    await using world = await openWorld();
    await put(world, "w/before");
    const watching = world.call("GET", "/v1/kv/watch?prefix=w/");
    await world.time.advance(1);
    const { json: written } = await commit(world, {
      puts: [
        { key: "w/1", value: "x" },
        { key: "else", value: "" },
      ],
      deletes: [{ key: "w/before" }],
    });
    await put(world, "else");
    const later = world.call("GET", `/v1/kv/watch?prefix=w/&since=${written.position}`);
    await world.time.advance(1);
    world.api[Symbol.dispose]();
    const answer = await watching;
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    const [begin, change, ...rest] = eventsOf(answer.body);
    assert.deepEqual([begin!.type, JSON.parse(begin!.data)], ["position", { position: begin!.id }]);
    const { changes, position } = JSON.parse(change!.data);
    assert.deepEqual([change!.type, change!.id, position], ["commit", position, written.position]);
    assert.deepEqual(changes, [
      { key: "w/1", value: "x", revision: written.revision },
      { key: "w/before", revision: written.revision },
    ]);
    assert.deepEqual(
      rest.map(({ type, data }) => [type, JSON.parse(data).code]),
      [["failure", "STOPPED"]],
    );
    const types = eventsOf((await later).body).map(({ type, id }) => [type, id]);
    assert.deepEqual(types, [
      ["position", position],
      ["failure", position],
    ]);
  });

  test("ends with the failure as its last message where it can not go on", async () => {
    await using world = await openWorld();
    const { status, body } = await world.call("GET", "/v1/kv/watch", { headers: { "Last-Event-ID": "nonsense" } });
    const last = eventsOf(body).at(-1)!;
    assert.deepEqual([status, last.type, JSON.parse(last.data).code], [200, "failure", "POSITION_INVALID"]);
  });

  test("is one of a limited number, of all and of a caller, and gives its place back", async () => {
    await using world = await openWorld();
    const leave = new AbortController();
    const open = Array.from({ length: 256 }, () => world.call("GET", "/v1/kv/watch", { signal: leave.signal }));
    await world.time.advance(1);
    const refused = await world.call("GET", "/v1/kv/watch");
    assert.deepEqual([refused.status, refused.code], [503, "WATCHERS_EXHAUSTED"]);
    leave.abort();
    await Promise.allSettled(open);
    await world.time.advance(1);
    const watching = world.call("GET", "/v1/kv/watch");
    await world.time.advance(1);
    world.api[Symbol.dispose]();
    assert.equal((await watching).status, 200);
    assert.deepEqual(world.unexpected, []);
  });
});
