import assert from "node:assert/strict";
import { test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { TABLES } from "../../store/index.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { RowCache } from "./row-cache.ts";
import { ManualEnv, settle } from "./testing/manual-env.ts";
import { MemoryStore } from "./testing/memory-store.ts";

interface Fixture extends AsyncDisposable {
  readonly store: MemoryStore;
  readonly env: ManualEnv;
  readonly cache: RowCache<string>;
  put(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
}

async function start(entriesMax = 10): Promise<Fixture> {
  const store = new MemoryStore();
  const env = new ManualEnv();
  const stop = new AbortController();
  const table = TABLES.user;
  const cache = new RowCache({ store, clock: env.clock, table, entriesMax, decode: (row) => text(row.value) });
  const watching = cache.watch(env.timers, stop.signal);
  await settle();
  return {
    store,
    env,
    cache,
    put: async (key, value) => {
      await store.commit({ puts: [{ table, key: utf8(key), value: utf8(value) }] });
      await settle();
    },
    remove: async (key) => {
      await store.commit({ deletes: [{ table, key: utf8(key) }] });
      await settle();
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
}

test("a loaded row is at hand until it changes", async () => {
  await using fixture = await start();
  const { cache } = fixture;
  await fixture.put("a", "one");
  assert.equal(cache.peek("a"), undefined);
  assert.equal((await cache.load("a")).value, "one");
  assert.equal(cache.peek("a")?.value, "one");
  await fixture.put("b", "other");
  assert.equal(cache.peek("a")?.value, "one");
  await fixture.put("a", "two");
  assert.equal(cache.peek("a"), undefined);
  assert.equal((await cache.load("a")).value, "two");
  await fixture.remove("a");
  assert.equal(cache.peek("a"), undefined);
  assert.equal((await cache.load("a")).value, undefined);
});

test("a row that does not exist is known as such for a second, and until it is made", async () => {
  await using fixture = await start();
  const { cache, env } = fixture;
  await cache.load("a");
  assert.deepEqual(cache.peek("a")?.value, undefined);
  assert.notEqual(cache.peek("a"), undefined);
  await env.advance(1001);
  assert.equal(cache.peek("a"), undefined);
  await cache.load("a");
  await fixture.put("a", "one");
  assert.equal(cache.peek("a"), undefined);
});

test("asking for rows that do not exist evicts none that do", async () => {
  await using fixture = await start(5);
  const { cache } = fixture;
  await fixture.put("a", "one");
  await cache.load("a");
  for (let at = 0; at < 50; at++) await cache.load(`none${at}`);
  assert.equal(cache.peek("a")?.value, "one");
});

test("a read that was under way while its row changed is not kept", async () => {
  await using fixture = await start();
  const { cache, store } = fixture;
  await fixture.put("a", "one");
  const read = Promise.withResolvers<void>();
  const get = store.get.bind(store);
  store.get = async (address) => {
    const found = await get(address);
    await read.promise;
    return found;
  };
  const loading = cache.load("a");
  await settle();
  await fixture.put("a", "two");
  read.resolve();
  assert.equal((await loading).value, "one");
  assert.equal(cache.peek("a"), undefined);
});

test("a watch that stalls delays a change by a minute at most", async () => {
  await using fixture = await start();
  const { cache, store, env } = fixture;
  await fixture.put("a", "one");
  await cache.load("a");
  store.holdWatches(true);
  await fixture.put("a", "two");
  assert.equal(cache.peek("a")?.value, "one");
  await env.advance(ACCESS_LIMITS.cachedMillisMax);
  assert.equal(cache.peek("a")?.value, "one");
  await env.advance(1);
  assert.equal(cache.peek("a"), undefined);
});

test("when a watch ends everything is let go of, and nothing is kept until another one runs", async () => {
  await using fixture = await start();
  const { cache, store, env } = fixture;
  await fixture.put("a", "one");
  await cache.load("a");
  store.cutWatches();
  await settle();
  assert.equal(cache.peek("a"), undefined);
  await cache.load("a");
  assert.equal(cache.peek("a"), undefined);
  await fixture.put("a", "two");
  await env.advance(ACCESS_LIMITS.watchRetryMillis);
  assert.equal((await cache.load("a")).value, "two");
  assert.equal(cache.peek("a")?.value, "two");
  await fixture.put("a", "three");
  assert.equal(cache.peek("a"), undefined);
});

test("a read that was under way when the watch ended is not kept", async () => {
  await using fixture = await start();
  const { cache, store, env } = fixture;
  await fixture.put("a", "one");
  const gate = Promise.withResolvers<void>();
  const get = store.get.bind(store);
  store.get = async (address) => {
    const found = await get(address);
    await gate.promise;
    return found;
  };
  const loading = cache.load("a");
  await settle();
  store.cutWatches();
  await settle();
  await env.advance(ACCESS_LIMITS.watchRetryMillis);
  gate.resolve();
  await loading;
  assert.equal(cache.peek("a"), undefined);
  await cache.load("a");
  assert.equal(cache.peek("a")?.value, "one", "the watch runs again");
});

test("too many reads at once are refused as busy", async () => {
  await using fixture = await start();
  const { cache, store } = fixture;
  const gate = Promise.withResolvers<void>();
  store.pause = () => gate.promise;
  const loads = Array.from({ length: ACCESS_LIMITS.loadsMax }, (_, at) => cache.load(`k${at}`));
  await assert.rejects(cache.load("one more"), (error) => hasCode(error, "BUSY"));
  gate.resolve();
  await Promise.all(loads);
  await cache.load("one more");
});

test("rows with a suffix are none of the cache's", async () => {
  await using fixture = await start();
  const { cache, store } = fixture;
  await fixture.put("a", "one");
  await cache.load("a");
  await store.commit({ puts: [{ table: TABLES.user, key: utf8("a"), suffix: utf8("u"), value: utf8("x") }] });
  await settle();
  assert.equal(cache.peek("a")?.value, "one");
});

test("the watch ends with its signal and leaves no timer", async () => {
  const fixture = await start();
  fixture.store.cutWatches();
  await settle();
  assert.equal(fixture.env.timersWaiting, 1);
  await fixture[Symbol.asyncDispose]();
  assert.equal(fixture.env.timersWaiting, 0);
});
