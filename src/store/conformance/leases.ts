import assert from "node:assert/strict";
import { type LeaseId, STORE_LIMITS, type Store } from "../store.ts";
import { absent, at, type Case, committed, failsWith, put, revision, type Subject, TABLE } from "./subject.ts";

const UNKNOWN = failsWith("LEASE_UNKNOWN");
const TTL = 5000;

async function exists(store: Store, key: string): Promise<boolean> {
  return (await store.get(at(key))).row !== undefined;
}

/** A lease ends some time after its ttl, not on the millisecond. */
async function waitUntilGone(subject: Subject, key: string): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 500) {
    if (!(await exists(subject.store, key))) return;
    await subject.elapse(500);
  }
  assert.fail("the row of an expired lease is gone before long");
}

/** More rows than one commit can write. */
async function holdMany(store: Store, lease: LeaseId, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const puts = Array.from({ length: Math.min(100, count - from) }, (_, number) => put(`row ${from + number}`));
    await committed(store.commit({ puts, lease }));
  }
}

const ROWS: readonly Case[] = [
  {
    name: "a row that was put under a lease names it, and goes when the lease is revoked",
    async run({ store }) {
      const lease = await store.grant(TTL);
      assert.equal(lease.ttlMillis, TTL);
      await committed(store.commit({ puts: [put("a"), put("b")], lease: lease.id }));
      const kept = await committed(store.commit({ puts: [put("c")] }));
      assert.equal((await store.get(at("a"))).row?.lease, lease.id);
      assert.equal((await store.get(at("c"))).row?.lease, undefined);
      const events = store.watch(TABLE, {}, { since: kept.position })[Symbol.asyncIterator]();
      await store.revoke(lease.id);
      const { rows } = await store.scan(TABLE, {}, { limit: 10 });
      assert.deepEqual(
        rows.map(({ key }) => key),
        [at("c").key],
      );
      const gone = new Set<number>();
      while (gone.size < 2) {
        const next = await events.next();
        for (const change of next.value!.changes) {
          assert.equal(change.value, undefined);
          assert.ok(change.revision > kept.revision);
          gone.add(change.key[0]!);
        }
      }
      await events.return?.();
    },
  },
  {
    name: "a row written again without a lease, or under another, no longer goes with the first",
    async run({ store }) {
      const [first, second] = [await store.grant(TTL), await store.grant(TTL)];
      assert.notEqual(first.id, second.id);
      await committed(store.commit({ puts: [put("freed"), put("moved"), put("held")], lease: first.id }));
      await committed(store.commit({ puts: [put("freed")] }));
      await committed(store.commit({ puts: [put("moved")], lease: second.id }));
      await store.revoke(first.id);
      assert.deepEqual(await Promise.all(["freed", "moved", "held"].map((key) => exists(store, key))), [
        true,
        true,
        false,
      ]);
      await store.revoke(second.id);
      assert.deepEqual(await Promise.all(["freed", "moved"].map((key) => exists(store, key))), [true, false]);
    },
  },
  {
    name: "the deletion of a leased row by revocation counts for checks",
    async run({ store }) {
      const { id } = await store.grant(TTL);
      const held = await committed(store.commit({ puts: [put("a")], lease: id }));
      await store.revoke(id);
      const stale = await store.commit({ checks: [revision("a", held.revision)], puts: [put("a", "no")] });
      assert.equal(stale.committed, false);
      const taken = await committed(store.commit({ checks: [absent("a")], puts: [put("a", "new")] }));
      assert.ok(taken.revision > held.revision, "the next holder's fencing token is larger");
    },
  },
  {
    name: "a lease that holds more rows than a commit may write is revoked with all of them",
    async run({ store }) {
      const { id } = await store.grant(TTL);
      await holdMany(store, id, 1000);
      await committed(store.commit({ puts: [put("another")] }));
      await store.revoke(id);
      assert.equal((await store.scan(TABLE, {}, { limit: 10 })).rows.length, 1);
      await assert.rejects(store.revoke(id), UNKNOWN);
    },
  },
  {
    name: "a lease that was never granted or has ended is refused everywhere",
    async run({ store }) {
      const { id } = await store.grant(TTL);
      await store.revoke(id);
      for (const lease of [id, id + 1000]) {
        await assert.rejects(store.commit({ puts: [put("a")], lease }), UNKNOWN);
        await assert.rejects(store.keepAlive(lease), UNKNOWN);
        await assert.rejects(store.revoke(lease), UNKNOWN);
      }
      assert.equal(await exists(store, "a"), false);
    },
  },
  {
    name: "a ttl may lie within its limits and not outside",
    async run({ store }) {
      const { leaseTtlMillisMin, leaseTtlMillisMax } = STORE_LIMITS;
      await store.grant(leaseTtlMillisMin);
      await store.grant(leaseTtlMillisMax);
      for (const ttl of [leaseTtlMillisMin - 1, leaseTtlMillisMax + 1, 1000.5, Number.NaN]) {
        await assert.rejects(store.grant(ttl), failsWith("REQUEST_INVALID"));
      }
    },
  },
];

const TIME: readonly Case[] = [
  {
    name: "a lease that nobody keeps alive ends after its ttl, not before, and takes its rows",
    needs: ["elapse"],
    async run(subject) {
      const { store } = subject;
      const { id } = await store.grant(TTL);
      await committed(store.commit({ puts: [put("a")], lease: id }));
      await subject.elapse(TTL - 1000);
      assert.equal(await exists(store, "a"), true);
      await subject.elapse(1000);
      await waitUntilGone(subject, "a");
      await assert.rejects(store.keepAlive(id), UNKNOWN);
      await assert.rejects(store.commit({ puts: [put("a")], lease: id }), UNKNOWN);
    },
  },
  {
    name: "a lease that is kept alive goes on, for its ttl from the last time",
    needs: ["elapse"],
    async run(subject) {
      const { store } = subject;
      const { id } = await store.grant(TTL);
      await committed(store.commit({ puts: [put("a")], lease: id }));
      for (let round = 0; round < 4; round++) {
        await subject.elapse(TTL - 1000);
        await store.keepAlive(id);
      }
      await subject.elapse(TTL - 1000);
      assert.equal(await exists(store, "a"), true);
      await subject.elapse(1000);
      await waitUntilGone(subject, "a");
    },
  },
  {
    name: "a lease that holds more rows than a commit may write expires with all of them",
    needs: ["elapse"],
    async run(subject) {
      const { store } = subject;
      const { id } = await store.grant(TTL);
      await holdMany(store, id, 600);
      await subject.elapse(TTL);
      await waitUntilGone(subject, "row 599");
      await waitUntilGone(subject, "row 0");
      assert.equal((await store.scan(TABLE, {}, { limit: 10 })).rows.length, 0);
    },
  },
  {
    name: "a lease outlives a restart with its rows, and gets its full ttl from then",
    needs: ["elapse", "reopen"],
    async run(subject) {
      const { id } = await subject.store.grant(TTL);
      await committed(subject.store.commit({ puts: [put("a")], lease: id }));
      await subject.elapse(TTL - 1000);
      await subject.reopen();
      await subject.elapse(TTL - 1000);
      assert.equal(await exists(subject.store, "a"), true);
      await subject.store.keepAlive(id);
      await subject.elapse(TTL - 1000);
      assert.equal(await exists(subject.store, "a"), true);
      await subject.elapse(1000);
      await waitUntilGone(subject, "a");
    },
  },
];

export const LEASE_CASES: readonly Case[] = [...ROWS, ...TIME];
