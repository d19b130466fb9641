import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openWorld, type World } from "../testing/world.ts";

function policy(...statements: readonly (readonly [actions: string, resource: string])[]): object {
  return {
    Version: "2012-10-17",
    Statement: statements.map(([actions, resource]) => ({
      Effect: "Allow",
      Action: actions.split(" ").map((action) => `ashlar:${action}`),
      Resource: `arn:aws:ashlar:::${resource}`,
    })),
  };
}

async function post(world: World, target: string): Promise<string[]> {
  const { status, json, text } = await world.call("POST", target);
  assert.equal(status, 200, text);
  return json.ids;
}

describe("/v1/ids", () => {
  test("makes ids of known layouts, as JSON and as lines, all different and ascending", async () => {
    await using world = await openWorld();
    const [one] = await post(world, "/v1/ids/generators/twitter/next");
    const batch = await post(world, "/v1/ids/generators/twitter/next?count=1000");
    const lines = await world.call("POST", "/v1/ids/generators/twitter/lines?count=1000");
    assert.equal(lines.headers.get("content-type"), "text/plain; charset=utf-8");
    const all = [one!, ...batch, ...lines.text.trimEnd().split("\n")].map(BigInt);
    assert.equal(all.length, 2001);
    assert.ok(all.every((id, at) => at === 0 || id > all[at - 1]!));
    const { json } = await world.call("GET", `/v1/ids/explain?id=${one}`);
    assert.ok(
      json.items.some(({ kind, plausibility }: { kind: string; plausibility: string }) => {
        return kind === "twitter" && plausibility === "likely";
      }),
    );
    const status = await world.call("GET", "/v1/ids/status");
    assert.deepEqual(
      status.json.generators.map(({ generator, worker, made }: Record<string, unknown>) => [generator, worker, made]),
      [["twitter", 0, 2001]],
    );
  });

  test("defines generators of one's own, lists and removes them", async () => {
    await using world = await openWorld();
    const define = (name: string, json: object) => world.call("PUT", `/v1/ids/generators/${name}`, { json });
    const mine = await define("mine", { layout: "twitter", epoch: "2026-01-01T00:00:00.000Z", workers: 8 });
    assert.equal(mine.status, 201, mine.text);
    assert.deepEqual(mine.json, {
      ...{ name: "mine", builtIn: false, epoch: "2026-01-01T00:00:00.000Z", unitMillis: 1, timeBits: 41 },
      ...{ workerBits: 10, sequenceBits: 12, order: "time-worker-sequence", workerFirst: 0, workers: 8 },
      ...{ windowMillis: 1000, description: "" },
    });
    assert.equal((await define("split", { timeBits: 40, workerBits: 8, sequenceBits: 5 })).status, 201);
    assert.equal((await post(world, "/v1/ids/generators/mine/next?count=3")).length, 3);
    const { json } = await world.call("GET", "/v1/ids/generators?limit=1");
    assert.deepEqual([json.items.at(-1).name, json.next], ["mine", "mine"]);
    const codes = [
      await define("x", { layout: "twiter" }),
      await define("x", { timeBits: 40 }),
      await define("x", { layout: "twitter", epoch: "1969-01-01T00:00:00.000Z" }),
      await define("x", { layout: "twitter", workers: 5000 }),
      await define("x", { layout: "twitter", sequenceBits: 40 }),
      await define("mine", { layout: "twitter" }),
      await define("twitter", { layout: "twitter" }),
    ].map(({ status, code }) => `${status} ${code}`);
    assert.deepEqual(codes, [
      ...["400 INPUT_INVALID", "400 INPUT_INVALID", "400 INPUT_INVALID", "400 GENERATOR_INVALID"],
      ...["400 LAYOUT_INVALID", "409 GENERATOR_EXISTS", "409 GENERATOR_BUILT_IN"],
    ]);
    assert.equal((await world.call("DELETE", "/v1/ids/generators/mine")).status, 204);
    assert.equal((await world.call("POST", "/v1/ids/generators/mine/next")).code, "GENERATOR_MISSING");
  });

  test("creates tags, hands out their numbers, changes and removes them", async () => {
    await using world = await openWorld();
    const made = await world.call("PUT", "/v1/ids/tags/orders", { json: { step: 10, description: "of orders" } });
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(await post(world, "/v1/ids/tags/orders/next?count=3"), ["1", "2", "3"]);
    assert.equal((await world.call("POST", "/v1/ids/tags/orders/lines?count=2")).text, "4\n5\n");
    const moved = await world.call("PATCH", "/v1/ids/tags/orders", { json: { step: 5, first: "9007199254740993" } });
    assert.equal(moved.json.next, "9007199254740993");
    assert.deepEqual((await world.call("GET", "/v1/ids/tags/orders")).json, moved.json);
    const { json } = await world.call("GET", "/v1/ids/tags");
    assert.deepEqual(json, { items: [moved.json] });
    const refusals = [
      await world.call("PUT", "/v1/ids/tags/orders", { json: {} }),
      await world.call("PATCH", "/v1/ids/tags/orders", { json: { first: "5" } }),
      await world.call("PATCH", "/v1/ids/tags/orders", { json: { first: "-5" } }),
      await world.call("PUT", "/v1/ids/tags/other", { json: { first: "9223372036854775808" } }),
      await world.call("POST", "/v1/ids/tags/other/next"),
      await world.call("POST", "/v1/ids/tags/orders/next?count=100001"),
      await world.call("POST", "/v1/ids/tags/orders/next?count=0"),
      await world.call("GET", "/v1/ids/explain?id=zzz"),
    ].map(({ status, code }) => `${status} ${code}`);
    assert.deepEqual(refusals, [
      ...["409 TAG_EXISTS", "409 TAG_START_PASSED", "400 INPUT_INVALID", "400 TAG_INVALID", "404 TAG_MISSING"],
      ...["400 INPUT_INVALID", "400 INPUT_INVALID", "400 MALFORMED"],
    ]);
    assert.equal((await world.call("DELETE", "/v1/ids/tags/orders")).status, 204);
    assert.equal((await world.call("POST", "/v1/ids/tags/orders/next")).code, "TAG_MISSING");
    // What was removed is gone on behind, not begun again.
    const again = await world.call("PUT", "/v1/ids/tags/orders", { json: {} });
    assert.equal(again.json.next, "9007199254740993");
  });

  test("says in the node's status which tag gives no numbers, until it does", async () => {
    await using world = await openWorld();
    const json = { first: "9223372036854775807", step: 1, order: "global" };
    await world.call("PUT", "/v1/ids/tags/last", { json });
    await post(world, "/v1/ids/tags/last/next");
    assert.equal((await world.call("POST", "/v1/ids/tags/last/next")).code, "TAG_USED_UP");
    const { troubles } = (await world.call("GET", "/v1/ids/status")).json;
    assert.deepEqual([troubles.length, troubles[0].tag, troubles[0].code], [1, "last", "TAG_USED_UP"]);
    const status = (await world.call("GET", "/v1/status")).json;
    assert.equal(status.health, "degraded");
    const [{ object, what, command }] = status.faults;
    assert.deepEqual([object, command], ["tag last", "ashlar id tags"]);
    assert.match(what, /^Tag last gives no ids: /);
    await world.call("DELETE", "/v1/ids/tags/last");
    assert.equal((await world.call("GET", "/v1/status")).json.health, "healthy");
  });

  test("asks for rights of its own on each generator and tag", async () => {
    await using world = await openWorld();
    for (const tag of ["app-1", "other"]) await world.call("PUT", `/v1/ids/tags/${tag}`, { json: {} });
    const document = policy(
      ["MakeIds", "tag/app-*"],
      ["MakeIds", "generator/leaf"],
      ["PutTag DeleteTag ListTags", "tag/app-2"],
    );
    const alice = await world.addUser("alice", document);
    const status = async (method: string, target: string, json?: object): Promise<number> =>
      (await world.call(method, target, { by: alice, ...(json && { json }) })).status;
    assert.equal(await status("POST", "/v1/ids/tags/app-1/next"), 200);
    assert.equal(await status("POST", "/v1/ids/tags/app-1/lines"), 200);
    assert.equal(await status("POST", "/v1/ids/tags/other/next"), 403);
    assert.equal(await status("POST", "/v1/ids/generators/leaf/next"), 200);
    assert.equal(await status("POST", "/v1/ids/generators/twitter/next"), 403);
    assert.equal(await status("PUT", "/v1/ids/tags/app-2", {}), 201);
    assert.equal(await status("GET", "/v1/ids/tags/app-2"), 200);
    assert.equal(await status("DELETE", "/v1/ids/tags/app-2"), 204);
    assert.equal(await status("PUT", "/v1/ids/tags/app-1", {}), 403);
    assert.equal(await status("GET", "/v1/ids/tags"), 403);
    assert.equal(await status("GET", "/v1/ids/generators"), 403);
    assert.equal(await status("PUT", "/v1/ids/generators/leaf", { layout: "leaf" }), 403);
    assert.equal(await status("GET", "/v1/ids/status"), 403);
    assert.equal(await status("GET", "/v1/ids/explain?id=1541815603606036480"), 200);
    assert.equal((await world.call("POST", "/v1/ids/tags/app-1/next", { by: "nobody" })).status, 401);
  });
});
