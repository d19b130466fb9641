import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GrowingCluster } from "../server/testing/growing-cluster.ts";
import { text } from "../std/bytes.ts";
import { startServerProcess, temporaryFolder } from "../testing/server-process.ts";
import { type Ashlar, connect, type Watch } from "./index.ts";

// The client over real servers, processes of their own.

const CLIENTS = 8;
const INCREMENTS = 12;

/** Until it is this client's turn: nobody else decides what the counter becomes. */
async function increment({ kv }: Ashlar): Promise<void> {
  for (;;) {
    const row = await kv.get("counter", { timeoutMillis: 60_000 });
    const next = row === undefined ? 1 : Number(text(row.value)) + 1;
    const result = await kv.compareAndSet("counter", row?.revision, String(next), { timeoutMillis: 60_000 });
    if (result.committed) return;
  }
}

/** What the counter became, change by change, until it is this. */
async function valuesUntil(watch: Watch, last: number): Promise<readonly number[]> {
  const values: number[] = [];
  for await (const { changes } of watch) {
    for (const { value } of changes) values.push(Number(text(value!)));
    if (values.at(-1)! >= last) break;
  }
  return values;
}

describe("the client", () => {
  test("counts exactly while a node of three is killed under it, and a watch sees each change once", async () => {
    await using cluster = await GrowingCluster.of(true, ["b", "c"]);
    const urls = [...cluster.running.values()].map(({ api }) => api);
    const credentials = cluster.first;
    await using parts = new AsyncDisposableStack();
    const clients: Ashlar[] = [];
    for (let at = 0; at < CLIENTS; at++) clients.push(parts.use(await connect(urls, { credentials })));
    const watches = clients.slice(0, 3).map(({ kv }) => parts.use(kv.watch({ key: "counter" })));
    for (const watch of watches) await watch.opened;
    const total = CLIENTS * INCREMENTS;
    const seen = watches.map((watch) => valuesUntil(watch, total));
    const done = clients.map(async (client) => {
      for (let at = 0; at < INCREMENTS; at++) await increment(client);
    });
    let killed = false;
    for await (const { changes } of parts.use(clients[0]!.kv.watch({ key: "counter" }))) {
      if (Number(text(changes[0]!.value!)) < total / 4 || killed) continue;
      killed = true;
      await cluster.stop("a");
      break;
    }
    await Promise.all(done);
    assert.equal(text((await clients[0]!.kv.get("counter"))!.value), String(total));
    for (const values of seen) {
      assert.deepEqual(
        await values,
        Array.from({ length: total }, (_, at) => at + 1),
      );
    }
  });

  test("reads, scans, watches and leases through any node, and keeps a lease over a node's end", async () => {
    await using cluster = await GrowingCluster.of(false, ["b", "c"]);
    const credentials = cluster.first;
    const urls = [...cluster.running.values()].map(({ api }) => api);
    for (const [at, url] of urls.entries()) {
      await using ash = await connect(url, { credentials });
      await ash.kv.put(`node/${at}`, url);
    }
    await using ash = await connect(urls.toReversed(), { credentials });
    const keys: string[] = [];
    for await (const { rows } of ash.kv.scan({ prefix: "node/" }, { pageRows: 2 })) {
      keys.push(...rows.map(({ key }) => text(key)));
    }
    assert.deepEqual(keys, ["node/0", "node/1", "node/2"]);
    const lease = await ash.kv.lease(10_000);
    await ash.kv.put("leased", "mine", { lease });
    await cluster.stop("a");
    // Longer than its time, which itself outlasts the choice of another leader by far: somebody keeps it alive.
    const later = AbortSignal.timeout(12_000);
    await new Promise((resolve) => later.addEventListener("abort", resolve));
    assert.equal(lease.isHeld, true);
    assert.equal((await ash.kv.get("leased"))?.leased, true);
    await lease[Symbol.asyncDispose]();
    assert.equal(await ash.kv.get("leased"), undefined);
  });

  test("of one node goes on after a kill and a restart: no write is lost or repeated, and its watch resumes", async () => {
    await using folder = await temporaryFolder("client");
    const dataDir = `${folder.path}/data`;
    const first = await startServerProcess({ dataDir });
    const port = new URL(first.api).port;
    await using ash = await connect(first.api, { credentials: first });
    await using watch = ash.kv.watch({ key: "counter" });
    await watch.opened;
    const total = 60;
    const seen = valuesUntil(watch, total);
    seen.catch(() => {});
    const done = (async () => {
      for (let at = 0; at < total; at++) await increment(ash);
    })();
    done.catch(() => {});
    for await (const { changes } of ash.kv.watch({ key: "counter" })) {
      if (Number(text(changes[0]!.value!)) >= total / 3) break;
    }
    await first.kill();
    await using second = await startServerProcess({ dataDir, args: ["--api-listen", `127.0.0.1:${port}`] });
    await done;
    assert.equal(new URL(second.api).port, port);
    assert.equal(text((await ash.kv.get("counter"))!.value), String(total));
    assert.deepEqual(
      await seen,
      Array.from({ length: total }, (_, at) => at + 1),
    );
  });
});
