import assert from "node:assert/strict";
import { text } from "../../std/bytes.ts";
import type { Store, WatchEvent } from "../store.ts";
import { STORE_LIMITS } from "../store.ts";
import { at, type Case, committed, failsWith, inParallel, OTHER_TABLE, put, TABLE } from "./subject.ts";

async function take(events: AsyncIterator<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = [];
  while (taken.length < count) {
    const next = await events.next();
    assert.ok(!next.done, "the watch goes on");
    taken.push(next.value);
  }
  return taken;
}

function watch(store: Store, ...args: Parameters<Store["watch"]>): AsyncIterator<WatchEvent> {
  return store.watch(...args)[Symbol.asyncIterator]();
}

/** A commit that changes nothing of the watched range: what came before it has been told when it is done. */
async function here(store: Store): Promise<string> {
  return (await committed(store.commit({ puts: [{ ...at("mark", OTHER_TABLE), value: new Uint8Array(1) }] }))).position;
}

function summary({ changes }: WatchEvent): string[] {
  return changes.map(({ key, value }) => `${text(key)}=${value ? text(value) : "deleted"}`);
}

/** More commits than the history keeps. */
async function overrunHistory(store: Store): Promise<void> {
  await inParallel(STORE_LIMITS.watchHistoryEventsMax + 1, 500, (number) =>
    committed(store.commit({ puts: [put(`row ${number % 10}`, String(number))] })),
  );
}

const ORDER: readonly Case[] = [
  {
    name: "a watch tells each commit's changes together and in order, with value, revision and position",
    async run({ store }) {
      const since = await here(store);
      const events = watch(store, TABLE, {}, { since });
      const first = await committed(store.commit({ puts: [put("a", "1"), put("b", "1")] }));
      const second = await committed(store.commit({ puts: [put("a", "2")], deletes: [at("b"), at("never there")] }));
      const taken = await take(events, 2);
      assert.deepEqual(
        taken.map((event) => summary(event).sort()),
        [
          ["a=1", "b=1"],
          ["a=2", "b=deleted"],
        ],
      );
      assert.deepEqual(
        taken.map(({ changes }) => new Set(changes.map((change) => change.revision))),
        [new Set([first.revision]), new Set([second.revision])],
      );
      assert.ok((await store.get(at("a"), { level: { atLeast: taken[1]!.position } })).row);
      await events.return?.();
    },
  },
  {
    name: "a watch tells only of its table and range",
    async run({ store }) {
      const since = await here(store);
      const range = { from: at("b"), to: at("d") };
      const events = watch(store, TABLE, range, { since });
      const suffixed = { ...at("c"), suffix: Uint8Array.of(0xff), value: Uint8Array.of(1) };
      for (const puts of [
        [put("a")],
        [put("d")],
        [{ ...put("b"), table: OTHER_TABLE }],
        [put("a"), put("b"), put("d")],
      ]) {
        await committed(store.commit({ puts }));
      }
      await committed(store.commit({ puts: [suffixed] }));
      await committed(store.commit({ deletes: [at("b"), at("a")] }));
      const taken = await take(events, 3);
      assert.deepEqual(taken.map(summary), [["b=value"], ["c=\x01"], ["b=deleted"]]);
      assert.deepEqual(taken[1]!.changes[0]!.suffix, Uint8Array.of(0xff));
      await events.return?.();
    },
  },
  {
    name: "a commit that conflicts or writes nothing of the range is not told",
    async run({ store }) {
      await committed(store.commit({ puts: [put("a")] }));
      const events = watch(store, TABLE, {}, { since: await here(store) });
      await store.commit({ checks: [{ ...at("a"), absent: true }], puts: [put("b", "no")] });
      await committed(store.commit({ checks: [{ ...at("b"), absent: true }] }));
      await committed(store.commit({ deletes: [at("never there")] }));
      await committed(store.commit({ puts: [put("a", "yes")] }));
      assert.deepEqual((await take(events, 1)).map(summary), [["a=yes"]]);
      await events.return?.();
    },
  },
  {
    name: "a scan and a watch since its position leave nothing out and tell nothing twice",
    async run({ store }) {
      const rows = new Map<string, string>();
      const writing = inParallel(300, 20, async (number) => {
        const key = `row ${number % 7}`;
        await committed(store.commit(number % 5 === 0 ? { deletes: [at(key)] } : { puts: [put(key, String(number))] }));
      });
      await committed(store.commit({ puts: [put("row 0", "begun")] }));
      const page = await store.scan(TABLE, {}, { limit: 100 });
      for (const row of page.rows) rows.set(text(row.key), text(row.value));
      const events = watch(store, TABLE, {}, { since: page.position });
      await writing;
      await committed(store.commit({ puts: [put("end", "end")] }));
      while (!rows.has("end")) {
        for (const { key, value } of (await take(events, 1))[0]!.changes) {
          if (value) rows.set(text(key), text(value));
          else rows.delete(text(key));
        }
      }
      const final = await store.scan(TABLE, {}, { limit: 100 });
      assert.deepEqual(new Map([...rows].sort()), new Map(final.rows.map((row) => [text(row.key), text(row.value)])));
      await events.return?.();
    },
  },
  {
    name: "a watch goes on from any event's position",
    async run({ store }) {
      const since = await here(store);
      for (let number = 0; number < 12; number++) await committed(store.commit({ puts: [put("a", String(number))] }));
      const all = watch(store, TABLE, {}, { since });
      const told = await take(all, 12);
      assert.deepEqual(
        told.map(summary),
        Array.from({ length: 12 }, (_, number) => [`a=${number}`]),
      );
      for (const [at, event] of told.entries()) {
        if (at === told.length - 1) break;
        const rest = watch(store, TABLE, {}, { since: event.position });
        assert.deepEqual((await take(rest, 11 - at)).map(summary), told.slice(at + 1).map(summary));
        await rest.return?.();
      }
      await all.return?.();
    },
  },
  {
    name: "a watch that asks for progress is told first where it begins, and goes on from there elsewhere",
    async run({ store }) {
      const begun = watch(store, TABLE, {}, { progress: true });
      const [beginning] = await take(begun, 1);
      assert.deepEqual(beginning!.changes, []);
      await committed(store.commit({ puts: [put("a", "1")] }));
      const [told] = await take(begun, 1);
      const [again, repeated] = await take(watch(store, TABLE, {}, { since: beginning!.position, progress: true }), 2);
      assert.deepEqual(again!.changes, []);
      assert.deepEqual([repeated, summary(repeated!)], [told, ["a=1"]]);
      await begun.return?.();
    },
  },
  {
    name: "a key's changes are told in the order of their revisions under many writers, to each of several watchers",
    async run({ store }) {
      const since = await here(store);
      const watchers = [1, 2, 3].map(() => watch(store, TABLE, {}, { since }));
      const following = watchers.map(async (events) => {
        const told: number[] = [];
        while (told.length < 200) for (const event of await take(events, 1)) told.push(event.changes[0]!.revision);
        return told;
      });
      await inParallel(200, 20, (number) => committed(store.commit({ puts: [put("a", String(number))] })));
      const [first, ...others] = await Promise.all(following);
      assert.deepEqual(
        first,
        first!.toSorted((left, right) => left - right),
      );
      assert.equal(new Set(first).size, 200);
      for (const other of others) assert.deepEqual(other, first);
      for (const events of watchers) await events.return?.();
    },
  },
];

const ENDS: readonly Case[] = [
  {
    name: "a loop that breaks off ends its watch",
    async run({ store }) {
      const since = await here(store);
      await committed(store.commit({ puts: [put("a")] }));
      for await (const event of store.watch(TABLE, {}, { since })) {
        assert.deepEqual(summary(event), ["a=value"]);
        break;
      }
    },
  },
  {
    name: "an aborted signal ends a watch with its reason, be it waiting or not begun",
    async run({ store }) {
      const reason = new Error("enough");
      const controller = new AbortController();
      const events = watch(store, TABLE, {}, { signal: controller.signal });
      const next = events.next();
      controller.abort(reason);
      await assert.rejects(next, (error) => error === reason);
      assert.equal((await events.next()).done, true);
      const late = watch(store, TABLE, {}, { signal: controller.signal });
      await assert.rejects(late.next(), (error) => error === reason);
    },
  },
  {
    name: "a watch since a position that is none is refused",
    async run({ store }) {
      await assert.rejects(watch(store, TABLE, {}, { since: "nonsense" }).next(), failsWith("POSITION_INVALID"));
    },
  },
  {
    name: "a watcher that falls behind the history is told so, one that began there is refused, and the others go on",
    async run({ store }) {
      const since = await here(store);
      const slow = watch(store, TABLE, {}, { since });
      const narrow = watch(store, TABLE, { from: at("z") }, { since });
      await committed(store.commit({ puts: [put("a", "first")] }));
      assert.deepEqual((await take(slow, 1)).map(summary), [["a=first"]]);
      const waiting = take(narrow, 1);
      await overrunHistory(store);
      await assert.rejects(slow.next(), failsWith("SLOW_WATCHER"));
      assert.equal((await slow.next()).done, true);
      await assert.rejects(watch(store, TABLE, {}, { since }).next(), failsWith("HISTORY_LOST"));
      const fresh = watch(store, TABLE, {}, { since: await here(store) });
      await committed(store.commit({ puts: [put("z", "seen")] }));
      assert.deepEqual((await waiting).map(summary), [["z=seen"]]);
      assert.deepEqual((await take(fresh, 1)).map(summary), [["z=seen"]]);
      await narrow.return?.();
      await fresh.return?.();
    },
  },
];

export const WATCH_CASES: readonly Case[] = [...ORDER, ...ENDS];
