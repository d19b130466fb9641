import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeId, LAYOUTS } from "../../core/id/index.ts";
import { NOW } from "../../service/ids/testing/service.ts";
import { LeafWorld } from "./testing/world.ts";

const SERVER_EXCEPTION = "com.sankuai.inf.leaf.server.exception.LeafServerException";

describe("Leaf's paths", () => {
  test("/api/segment/get/{key} answers bare digits of the tag, with any verb", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("leaf-segment-test", { step: 2000 }));
    const target = "/api/segment/get/leaf-segment-test";
    const answer = await node.get(target);
    assert.deepEqual(answer, { status: 200, type: "text/plain;charset=UTF-8", code: undefined, text: "1" });
    for (const [at, method] of ["POST", "PUT", "DELETE", "PATCH"].entries()) {
      const { status, text } = await world.bench.settle(node.call(target, { method }));
      assert.deepEqual([status, text], [200, String(at + 2)]);
    }
    assert.equal((await world.bench.settle(node.call(target, { method: "HEAD" }))).text, "");
    const options = await world.bench.settle(node.call(target, { method: "OPTIONS" }));
    assert.deepEqual([options.status, options.text], [200, ""]);
    assert.equal((await node.get(`${target}/`)).text, "7");
    assert.deepEqual(
      node.records.slice(0, 2).map(({ gateway, operation }) => [gateway, operation]),
      [
        ["leaf", "segment"],
        ["leaf", "segment"],
      ],
    );
    await node.stop();
  });

  test("/api/snowflake/get/{key} answers an id of Leaf's layout, whatever the key is", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    const ids = [];
    for (const key of ["test", "other", "%E4%B8%AD"]) ids.push((await node.get(`/api/snowflake/get/${key}`)).text);
    assert.ok(ids.every((id) => /^\d{19}$/.test(id)));
    assert.ok(BigInt(ids[0]!) < BigInt(ids[1]!) && BigInt(ids[1]!) < BigInt(ids[2]!));
    const { timeMillis, worker } = decodeId(BigInt(ids[0]!), LAYOUTS.leaf);
    assert.ok(worker === 0 && Math.abs(timeMillis - NOW) <= 100);
    await node.stop();
  });

  test("a failure is HTTP 500 with the JSON of Spring, field by field", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    const { status, type, code, text } = await node.get("/api/segment/get/no-such-tag?x=1");
    assert.deepEqual([status, type, code], [500, "application/json;charset=UTF-8", "TAG_MISSING"]);
    assert.equal(
      text,
      `{"timestamp":${NOW},"status":500,"error":"Internal Server Error","exception":"${SERVER_EXCEPTION}",` +
        `"message":"Result{id=-2, status=EXCEPTION}","path":"/api/segment/get/no-such-tag"}`,
    );
    for (const mode of ["segment", "snowflake"]) {
      const none = JSON.parse((await node.get(`/api/${mode}/get/`)).text);
      assert.deepEqual(
        [none.status, none.exception, none.message],
        [500, "com.sankuai.inf.leaf.server.exception.NoKeyException", "Key is none"],
      );
    }
    const missing = await node.get("/nothing/here");
    assert.equal(
      missing.text,
      `{"timestamp":${NOW},"status":404,"error":"Not Found","message":"No message available","path":"/nothing/here"}`,
    );
    await node.stop();
  });

  test("/decodeSnowflakeId answers texts, in Leaf's order, and Leaf's words for what is no number", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    const { type, text } = await node.get("/decodeSnowflakeId?snowflakeId=1169786042799259000");
    assert.equal(type, "application/json;charset=UTF-8");
    assert.equal(text, '{"timestamp":"1567733700834(2019-09-06 01:35:00.834)","sequenceId":"3448","workerId":"39"}');
    const negative = await node.get("/decodeSnowflakeId?snowflakeId=-1");
    assert.equal(
      negative.text,
      '{"timestamp":"1288834974656(2010-11-04 01:42:54.656)","sequenceId":"4095","workerId":"1023"}',
    );
    assert.equal(
      (await node.get("/decodeSnowflakeId/?snowflakeId=%2B0")).text.slice(0, 29),
      '{"timestamp":"1288834974657(2',
    );
    const refusal = '{"errorMsg":"snowflake Id\u53cd\u89e3\u6790\u53d1\u751f\u5f02\u5e38!"}';
    for (const digits of ["", "abc", "1.5", "9223372036854775808", "1".repeat(65)])
      assert.equal((await node.get(`/decodeSnowflakeId?snowflakeId=${digits}`)).text, refusal, digits);
    const missing = await node.get("/decodeSnowflakeId");
    assert.equal(missing.status, 400);
    assert.equal(JSON.parse(missing.text).message, "Required String parameter 'snowflakeId' is not present");
    await node.stop();
  });

  test("/cache and /db show tables with Leaf's columns", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("orders", { step: 100 }));
    await node.get("/api/segment/get/orders");
    await world.bench.advance(1);
    const cache = await node.get("/cache");
    assert.deepEqual([cache.status, cache.type], [200, "text/html;charset=UTF-8"]);
    assert.deepEqual(cellsOf(cache.text), [
      ["name", "init", "next", "pos", "value0", "max0", "step0", "value1", "max1", "step1"],
      ["orders", "true", "false", "0", "2", "101", "100", "0", "0", "0"],
    ]);
    for (let at = 0; at < 10; at++) await node.get("/api/segment/get/orders");
    await world.bench.advance(1);
    assert.deepEqual(cellsOf((await node.get("/cache")).text)[1]!.slice(1), [
      ...["true", "true", "0", "12", "101", "100", "101", "201", "100"],
    ]);
    assert.deepEqual(cellsOf((await node.get("/db")).text), [
      ["tag", "max", "step", "update"],
      ["orders", "201", "100", "2026-11-21 12:00:00"],
    ]);
    await node.stop();
  });
});

describe("what Leaf's users ask for", () => {
  test("batches: a line each, without one behind the last, up to a limit", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("t"));
    assert.equal((await node.get("/api/segment/get/t?size=3")).text, "1\n2\n3");
    assert.equal((await node.get("/api/segment/get/t?size=1")).text, "4");
    const ids = (await node.get("/api/snowflake/get/t?size=1000")).text.split("\n").map(BigInt);
    assert.ok(ids.length === 1000 && ids.every((id, at) => at === 0 || id > ids[at - 1]!));
    assert.equal((await node.get("/api/segment/get/t?size=100000")).text.split("\n").length, 100_000);
    for (const mode of ["segment", "snowflake"]) {
      for (const size of ["100001", "0"]) {
        const { status, code, text } = await node.get(`/api/${mode}/get/t?size=${size}`);
        assert.deepEqual([status, code, JSON.parse(text).exception], [400, "COUNT_INVALID", "COUNT_INVALID"]);
      }
      for (const query of ["size=", "size=-1", "size=1e3", "size=1&size=2", "size=9999999999", "format=xml"]) {
        const { status, code } = await node.get(`/api/${mode}/get/t?${query}`);
        assert.deepEqual([status, code], [400, "PARAMETER_INVALID"], query);
      }
    }
    await node.stop();
  });

  test("JSON, where the query asks for it: ids are texts", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("t", { first: 2n ** 53n }));
    const answer = await node.get("/api/segment/get/t?format=json");
    assert.deepEqual([answer.type, answer.text], ["application/json;charset=UTF-8", '{"ids":["9007199254740992"]}']);
    assert.equal(JSON.parse((await node.get("/api/snowflake/get/t?format=json&size=5")).text).ids.length, 5);
    // A client of Leaf that would take JSON among others expects digits.
    const headers = ["Accept", "application/json, text/plain, */*"];
    const bare = await world.bench.settle(node.call("/api/segment/get/t", { headers }));
    assert.equal(bare.text, "9007199254740993");
    await node.stop();
  });

  test("a list of tags, in pages", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    for (const tag of ["c", "a", "b"]) await world.bench.settle(node.ids.createTag(tag, { step: 7, description: tag }));
    const first = JSON.parse((await node.get("/api/segment/tags?limit=2")).text);
    assert.deepEqual(first, {
      tags: ["a", "b"].map((tag) => ({
        ...{ tag, maxId: "1", step: 7, description: tag, updateTime: "2026-11-21T12:00:00.000Z" },
      })),
      next: "b",
    });
    const second = JSON.parse((await node.get("/api/segment/tags?after=b")).text);
    assert.deepEqual([second.tags.map(({ tag }: { tag: string }) => tag), second.next], [["c"], undefined]);
    for (const limit of ["0", "1001", "x"])
      assert.equal((await node.get(`/api/segment/tags?limit=${limit}`)).code, "PARAMETER_INVALID");
    await node.stop();
  });
});

function cellsOf(html: string): string[][] {
  return [...html.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd]>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell!),
  );
}
