import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle } from "./testing/manual-time.ts";
import { openWorld, type World } from "./testing/world.ts";

/** Reads a stream until the world ends it. */
async function watched(world: World, act: () => Promise<void>, target = "/v1/watch", headers = {}): Promise<string> {
  const stream = world.call("GET", target, { headers });
  await settle();
  await act();
  await settle();
  world.api[Symbol.dispose]();
  return (await stream).text;
}

const messages = (stream: string) =>
  stream
    .split("\n\n")
    .map((message) => new Map(message.split("\n").map((line) => line.split(/: (.*)/s) as [string, string])))
    .filter((message) => message.has("event"));

describe("the status", () => {
  test("is one sentence, with counts and capacity behind it", async () => {
    await using world = await openWorld();
    await world.objects.createBucket("photos", "root");
    await world.call("PUT", "/v1/users/alice", { json: {} });
    await world.call("PUT", "/v1/buckets/photos/object?key=a", { body: "x".repeat(100_000) });
    await world.time.advance(61_000);
    const { json } = await world.call("GET", "/v1/status");
    assert.equal(json.health, "healthy");
    assert.match(json.sentence, /^Everything is in order: 1 bucket, and .* are free\.$/);
    assert.deepEqual(json.counts, { buckets: 1, users: 1, policies: 6, volumes: 1 });
    assert.equal(json.uptimeMillis, 61_000);
    assert.deepEqual(json.faults, []);
    assert.ok(json.capacity.volumeBytes > 100_000);
    assert.deepEqual(json.endpoints, { s3: "http://s3.test:9000", api: "http://api.test:9100" });
  });

  test("names what is wrong, since when, and the command for it", async () => {
    await using world = await openWorld({ spaceReserveBytes: 2 ** 45 });
    const since = new Date(world.time.now()).toISOString();
    const first = (await world.call("GET", "/v1/status")).json;
    assert.equal(first.health, "unhealthy");
    assert.match(
      first.sentence,
      /^Writes are refused: .* are free, and 32 TiB are reserved; .*comes back from 10 min later on/,
    );
    await world.time.advance(1000);
    const [fault] = (await world.call("GET", "/v1/status")).json.faults;
    assert.deepEqual(
      [fault.object, fault.severity, fault.since, fault.command],
      ["disk", "error", since, "ashlar object rm BUCKET/PREFIX --recursive"],
    );
    assert.equal((await world.call("GET", "/readyz", { by: "nobody" })).status, 503);
    const refused = await world.call("PUT", "/v1/buckets/photos", { json: {} });
    assert.equal(refused.status, 507);
    assert.equal(refused.code, "SPACE_RESERVED");
  });

  test("has rates of the last seconds, which are kept for a while", async () => {
    await using world = await openWorld();
    for (let at = 0; at < 10; at++) await world.call("GET", "/healthz", { by: "nobody" });
    await world.time.advance(5000);
    const { json } = await world.call("GET", "/v1/samples");
    assert.equal(json.intervalMillis, 5000);
    assert.equal(json.items.length, 1);
    assert.equal(json.items[0].requestsPerSecond, 2);
    assert.equal((await world.call("GET", "/v1/status")).json.rates.requestsPerSecond, 2);
  });
});

describe("events", () => {
  test("tell what operators did, the newest first", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    await world.time.advance(10);
    await world.call("PUT", "/v1/users/alice", { json: {} });
    await world.call("GET", "/v1/users");
    await world.call("PUT", "/v1/users/alice", { json: {} });
    await world.events.settled();
    const { items } = (await world.call("GET", "/v1/events")).json;
    assert.deepEqual(
      items.map(({ kind, object, text, actor }: Record<string, string>) => [kind, object, text, actor]),
      [
        ["create-user", "user alice", "User alice created.", "root"],
        ["create-bucket", "bucket photos", "Bucket photos created.", "root"],
      ],
      "reads and what failed are no acts",
    );
    assert.equal(items[0].data.requestId.length, 16);
  });

  test("are listed page by page, by severity", async () => {
    await using world = await openWorld();
    for (const [at, severity] of (["info", "error", "warning", "info", "error"] as const).entries()) {
      world.events.record({ severity, kind: "test", object: `thing ${at}`, text: "It happened." });
    }
    await world.events.settled();
    const seen: string[] = [];
    for (let query = "?limit=1&severity=warning"; query !== ""; ) {
      const { items, next } = (await world.call("GET", `/v1/events${query}`)).json;
      seen.push(...items.map(({ object }: { object: string }) => object));
      query = next === undefined ? "" : `?limit=1&severity=warning&after=${next}`;
    }
    assert.deepEqual(seen, ["thing 4", "thing 2", "thing 1"]);
    assert.equal((await world.call("GET", "/v1/events?after=nonsense")).code, "EVENT_UNKNOWN");
  });
});

describe("a watch", () => {
  test("begins with a sample, then brings samples and events as they come", async () => {
    await using world = await openWorld();
    const stream = await watched(world, async () => {
      world.events.record({ severity: "info", kind: "test", object: "thing", text: "It happened." });
      await world.time.advance(5000);
    });
    const seen = messages(stream);
    assert.deepEqual(
      seen.map((message) => message.get("event")),
      ["sample", "event", "sample"],
    );
    const event = JSON.parse(seen[1]!.get("data")!);
    assert.equal(event.text, "It happened.");
    assert.equal(seen[1]!.get("id"), event.id);
    assert.match(stream, /^retry: \d+\n\n/);
  });

  test("goes on behind the last event that its reader has seen", async () => {
    await using world = await openWorld();
    for (const object of ["one", "two", "three"])
      world.events.record({ severity: "info", kind: "test", object, text: "." });
    await world.events.settled();
    const { items } = (await world.call("GET", "/v1/events")).json;
    const headers = { "Last-Event-ID": items[2].id };
    const seen = messages(await watched(world, async () => {}, "/v1/watch", headers));
    const objects = seen
      .filter((message) => message.get("event") === "event")
      .map((message) => JSON.parse(message.get("data")!).object);
    assert.deepEqual(objects, ["two", "three"]);
  });

  test("ends after ten minutes, so that who may watch is asked again", async () => {
    await using world = await openWorld();
    const stream = world.call("GET", "/v1/watch");
    await settle();
    world.time.jump(600_000);
    await world.time.advance(1);
    assert.equal((await stream).status, 200);
  });

  test("is refused to one more than there may be", async () => {
    await using world = await openWorld();
    const streams = Array.from({ length: 64 }, () => world.call("GET", "/v1/watch"));
    await settle();
    const refused = await world.call("GET", "/v1/watch");
    assert.equal(refused.status, 503);
    assert.equal(refused.code, "WATCHERS_EXHAUSTED");
    world.api[Symbol.dispose]();
    await Promise.all(streams);
  });
});

describe("the configuration", () => {
  test("never shows a secret", async () => {
    await using world = await openWorld();
    const { json, text } = await world.call("GET", "/v1/configuration");
    const rows = json.items.map(({ flag, value, isDefault }: { flag: string; value: unknown; isDefault: boolean }) => [
      flag,
      value,
      isDefault,
    ]);
    assert.deepEqual(rows, [
      ["--data-dir", "/data", false],
      ["--root-secret-key", "***", false],
    ]);
    assert.ok(!text.includes("never-shown"));
  });
});

describe("volumes and Store", () => {
  test("are shown, verified, counted and written down", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    await world.call("PUT", "/v1/buckets/photos/object?key=a", { body: "x".repeat(100_000) });
    const [volume] = (await world.call("GET", "/v1/volumes")).json.items;
    assert.deepEqual(
      [volume.id, volume.kind, volume.state, volume.sound, volume.damagedCount],
      [1, "needles", "open", true, 0],
    );
    assert.deepEqual((await world.call("GET", "/v1/volumes/1")).json, volume);
    const verified = world.call("POST", "/v1/volumes/1/verify");
    for (let tries = 0; tries < 20; tries++) await world.time.advance(100);
    assert.equal(typeof (await verified).json.verifiedAt, "string");
    assert.equal((await world.call("GET", "/v1/volumes/99")).code, "VOLUME_UNKNOWN");
    assert.equal((await world.call("GET", "/v1/volumes/x")).code, "INPUT_INVALID");
    assert.equal((await world.call("POST", "/v1/store/checkpoint")).status, 204);
    const counters = (await world.call("GET", "/v1/counters")).json;
    assert.equal(counters.store.checkpoints, 1);
    assert.equal(counters.blobs.appends, 1);
    assert.ok(counters.log.batches > 0);
  });
});
