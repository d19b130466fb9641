import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { openWorld } from "../testing/world.ts";

const GOLDEN = new URL("./testdata/metric-names.txt", import.meta.url);

const namesIn = (text: string) => Array.from(text.matchAll(/^# TYPE (\S+ \S+)$/gm), ([, name]) => name!).sort();

describe("the metrics", () => {
  test("have the names and kinds that dashboards rely on", async () => {
    await using world = await openWorld({ node: { resources: () => ({ residentBytes: 1, cpuMillis: 1 }) } });
    const { text } = await world.call("GET", "/metrics");
    const names = `${namesIn(text).join("\n")}\n`;
    if (process.env["ASHLAR_UPDATE_GOLDEN"] === "1") await writeFile(GOLDEN, names);
    assert.equal(names, await readFile(GOLDEN, "utf8"), "ASHLAR_UPDATE_GOLDEN=1 rewrites the list");
  });

  test("count ids by generator and tag, and refusals by code", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/ids/tags/orders", { json: {} });
    await world.call("POST", "/v1/ids/tags/orders/next?count=7");
    await world.call("POST", "/v1/ids/generators/twitter/next?count=3");
    await world.call("POST", "/v1/ids/tags/nobody/next");
    const lines = new Set((await world.call("GET", "/metrics")).text.split("\n"));
    assert.ok(lines.has('ashlar_ids_tag_numbers_total{tag="orders"} 7'));
    assert.ok(lines.has('ashlar_ids_tag_waits_total{tag="orders"} 1'));
    assert.ok(lines.has('ashlar_ids_generator_ids_total{generator="twitter"} 3'));
    assert.ok(lines.has('ashlar_ids_generator_claims_total{generator="twitter"} 1'));
    assert.ok(lines.has('ashlar_ids_refusals_total{code="TAG_MISSING"} 1'));
    assert.ok(lines.has("ashlar_ids_workers_held 1"));
    assert.ok(lines.has("ashlar_ids_tag_numbers_available 993"));
  });

  test("count requests, durations and bytes", async () => {
    await using world = await openWorld();
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    await world.call("PUT", "/v1/buckets/photos/object?key=a", { body: "hello" });
    await world.call("GET", "/v1/buckets/nowhere");
    const { text } = await world.call("GET", "/metrics");
    const lines = new Set(text.split("\n"));
    assert.ok(lines.has(`ashlar_http_requests_total{gateway="api",operation="putObject",status="201"} 1`));
    assert.ok(lines.has(`ashlar_http_requests_total{gateway="api",operation="getBucket",status="404"} 1`));
    assert.ok(lines.has(`ashlar_http_received_bytes_total{gateway="api",operation="putObject"} 5`));
    assert.ok(lines.has(`ashlar_http_request_duration_seconds_count{gateway="api",operation="putObject"} 1`));
    assert.ok(lines.has("ashlar_http_requests_running 1"), "the request for the metrics itself");
    assert.ok(lines.has(`ashlar_info{version="1.2.3",node="NODE1"} 1`));
    assert.match(text, /^ashlar_store_commits_total [1-9]/m);
    assert.match(text, /^ashlar_log_batches_total [1-9]/m);
    assert.match(text, /^ashlar_disk_free_bytes \d+$/m);
  });
});
