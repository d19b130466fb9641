import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text } from "../../../std/bytes.ts";
import { type Commit, TABLES, type WatchEvent } from "../../../store/index.ts";
import { MemoryStore } from "../../../testing/memory-store.ts";
import { ManualTime, settle } from "../testing/manual-time.ts";
import { KvWatchSource } from "./watch-source.ts";
import { WatchStreams } from "./watch-streams.ts";

const LIMITS = { watchersMax: 3, watchersOfCallerMax: 2, heartbeatMillis: 100, lifeMillisMax: 1000 };
const row = (key: number): Commit => ({
  puts: [{ table: TABLES.kv, key: Uint8Array.of(key), value: Uint8Array.of() }],
});

async function open(allow: (event: WatchEvent) => void = () => {}) {
  const store = new MemoryStore();
  const time = new ManualTime();
  const bugs: unknown[] = [];
  let ends = 0;
  await store.commit(row(1));
  const source = new KvWatchSource({
    ...{ timers: time, limits: LIMITS, allow },
    watch: (signal) => store.watch(TABLES.kv, {}, { progress: true, signal }),
    onEnd: () => ends++,
    onBug: (error) => bugs.push(error),
  });
  const read = async (): Promise<string | null> => {
    const chunk = await source.read();
    return chunk === null ? null : text(chunk);
  };
  assert.equal(await read(), "retry: 1000\n\n");
  assert.match((await read())!, /^id: .*\nevent: position\n/);
  return { store, time, source, read, bugs, ends: () => ends };
}

describe("a watch as a stream", () => {
  test("gives signs of life while nothing happens, and loses nothing over them", async () => {
    const { store, time, read } = await open();
    for (let beats = 0; beats < 3; beats++) {
      const waiting = read();
      await time.advance(100);
      assert.equal(await waiting, ":\n\n");
    }
    await store.commit(row(2));
    await store.commit(row(3));
    assert.match((await read())!, /"key":\{"base64":"Ag=="\}/);
    assert.match((await read())!, /"key":\{"base64":"Aw=="\}/);
  });

  test("ends when its time is over, so that its caller is authorized again", async () => {
    const { time, read, ends } = await open();
    await time.advance(1000);
    const last = read();
    await time.advance(100);
    assert.equal((await last) === ":\n\n" ? await read() : await last, null);
    assert.deepEqual([ends(), time.timers], [1, 0]);
  });

  test("lets go of everything when its reader leaves", async () => {
    const { time, source, read, ends } = await open();
    const waiting = read();
    source.cancel();
    await settle();
    source.cancel();
    assert.equal(await waiting, null);
    assert.deepEqual([ends(), time.timers], [1, 0]);
  });

  test("ends with a bug as the one error that bugs are, and tells of it", async () => {
    const bug = new TypeError("not shown");
    const { store, read, bugs } = await open(({ changes }) => {
      if (changes.length > 0) throw bug;
    });
    await store.commit(row(2));
    const failure = (await read())!;
    assert.match(failure, /^event: failure\ndata: \{"code":"INTERNAL"/);
    assert.doesNotMatch(failure, /not shown/);
    assert.deepEqual([await read(), bugs], [null, [bug]]);
  });
});

describe("the streams of a node", () => {
  test("are limited for all and for each caller, and give their places back", () => {
    using streams = new WatchStreams(new ManualTime(), LIMITS);
    const store = new MemoryStore();
    const open = (caller: string): KvWatchSource =>
      streams.open(caller, { watch: () => store.watch(TABLES.kv, {}), allow() {}, onBug() {} });
    const exhausted = { code: "WATCHERS_EXHAUSTED" };
    const sources = [open("alice"), open("alice")];
    assert.throws(() => open("alice"), exhausted);
    sources.push(open("bob"));
    assert.throws(() => open("carol"), exhausted);
    for (const source of [...sources, ...sources]) source.cancel();
    assert.equal(streams.count, 0);
    open("alice").cancel();
  });
});
