import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signRequest } from "../../codec/sigv4/index.ts";
import { toBase64, utf8 } from "../../std/bytes.ts";
import { allowing, openWorld, ROOT } from "../api/testing/world.ts";
import { type LeafCallOptions, LeafWorld, newKeys } from "./testing/world.ts";

const TARGETS = ["/api/segment/get/t", "/api/snowflake/get/t", "/api/segment/tags", "/cache", "/db"];

function basic(name: string, secret: string): LeafCallOptions {
  return { headers: ["Authorization", `Basic ${toBase64(utf8(`${name}:${secret}`))}`] };
}

describe("Leaf's front without --leaf-anonymous", () => {
  test("hands nothing to who sends no credential, or a wrong one", async () => {
    await using api = await openWorld();
    const node = await new LeafWorld().node("a", { access: api.access });
    for (const target of [...TARGETS, "/decodeSnowflakeId?snowflakeId=1"]) {
      const answer = await node.call(target);
      assert.deepEqual([answer.status, answer.code], [401, "CREDENTIAL_MISSING"], target);
    }
    for (const wrong of [
      basic(ROOT.accessKey, "no"),
      basic("nobody", "no"),
      basic("", ""),
      basic("NONE", ROOT.secretKey),
    ])
      assert.equal((await node.call(TARGETS[0]!, wrong)).code, "CREDENTIAL_REFUSED");
    for (const malformed of ["Basic", "Basic ???", "Bearer x", "AWS4-HMAC-SHA256 x"]) {
      const { status } = await node.call(TARGETS[0]!, { headers: ["Authorization", malformed] });
      assert.ok(status >= 400 && status < 500, malformed);
    }
    assert.deepEqual(node.ids.status().tags, []);
    await node.stop();
  });

  test("takes an access key and its secret, or a signature", async () => {
    await using api = await openWorld();
    const world = new LeafWorld();
    const node = await world.node("a", { access: api.access });
    await world.bench.settle(node.ids.createTag("t"));
    const pair = basic(ROOT.accessKey, ROOT.secretKey);
    const answer = await world.bench.settle(node.call(TARGETS[0]!, pair));
    assert.deepEqual([answer.status, answer.text], [200, "1"]);
    const head = { method: "GET", target: TARGETS[0]!, rawHeaders: ["Host", "leaf.test"] };
    const now = node.clock.now();
    const payload = "UNSIGNED-PAYLOAD";
    const options = { credentials: ROOT, region: "any", service: "ashlar", now, payload };
    const signed = signRequest(newKeys(), head, options);
    const headers = signed.rawHeaders.slice(2);
    assert.equal((await world.bench.settle(node.call(TARGETS[0]!, { headers }))).text, "2");
    const { code } = await world.bench.settle(node.call(`${TARGETS[0]}?size=2`, { headers }));
    assert.equal(code, "SIGNATURE_DOES_NOT_MATCH");
    await node.stop();
  });

  test("hands out what the caller's policy allows, of that tag", async () => {
    await using api = await openWorld();
    const world = new LeafWorld();
    const node = await world.node("a", { access: api.access });
    for (const tag of ["app-1", "other"]) await world.bench.settle(node.ids.createTag(tag));
    const statement = { Effect: "Allow", Action: "ashlar:MakeIds", Resource: "arn:aws:ashlar:::tag/app-*" };
    const { accessKey, secretKey } = await api.addUser("ann", { Version: "2012-10-17", Statement: [statement] });
    const statusOf = async (target: string): Promise<number> =>
      (await world.bench.settle(node.call(target, basic(accessKey, secretKey)))).status;
    const statuses = [];
    for (const target of ["/api/segment/get/app-1", "/api/segment/get/other", ...TARGETS.slice(1)])
      statuses.push(await statusOf(target));
    assert.deepEqual(statuses, [200, 403, 403, 403, 403, 403]);
    const reader = await api.addUser("bob", allowing("ashlar:ListTags", "ashlar:ListGenerators"));
    const read = basic(reader.accessKey, reader.secretKey);
    for (const target of ["/cache", "/db", "/api/segment/tags", "/decodeSnowflakeId?snowflakeId=5"])
      assert.equal((await world.bench.settle(node.call(target, read))).status, 200, target);
    await node.stop();
  });
});
