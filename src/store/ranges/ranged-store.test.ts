import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { StoreErrorCode } from "../errors.ts";
import { encodeKeyBound } from "../key-codec.ts";
import type { CommitResult, Row, WatchEvent } from "../store.ts";
import { absent, at, put, TABLE } from "../testing/machine-driver.ts";
import { changeMap, runOf } from "../testing/move-keys.ts";
import { RangedCluster, type RangedClusterOptions } from "../testing/ranged-cluster.ts";
import { bringKeys, releaseKeys } from "./transfer.ts";

type Settings = Partial<RangedClusterOptions> & { readonly cuts?: readonly string[] };

/** The root group on three nodes has [, h), group 2 on nodes 1 and 2 [h, p), group 3 on nodes 2 and 3 the rest. */
function rangedTest(name: string, run: (cluster: RangedCluster) => Promise<void>, settings: Settings = {}): void {
  test(name, async () => {
    const groups = [
      [1, 2],
      [2, 3],
    ];
    const { cuts = ["h", "p"], ...options } = settings;
    const cluster = new RangedCluster({ seed: 1, nodes: 3, groups, movingMillisMax: 2000, ...options });
    const whole = async (): Promise<void> => {
      await Promise.all(cluster.nodes.map((node) => node.open()));
      await cluster.begin(cuts);
      await run(cluster);
      await cluster[Symbol.asyncDispose]();
    };
    await cluster.scheduler.settle(whole(), 600_000);
  });
}

const fails =
  (code: StoreErrorCode) =>
  (error: unknown): boolean =>
    hasCode(error, code);

const told = ({ changes }: WatchEvent): string[] => changes.map(({ key, value }) => `${text(key)}=${text(value!)}`);

describe("a Store over several ranges", () => {
  rangedTest("answers alike on every node, whichever groups that has", async (cluster) => {
    for (const [number, { store }] of cluster.nodes.entries()) {
      const puts = ["a", "k", "z"].map((name) => put(name, `${number}`));
      const result: CommitResult = await store.commit({ puts, checks: number === 0 ? [absent("a"), absent("z")] : [] });
      assert.ok(result.committed);
      for (const { store: other } of cluster.nodes) {
        const rows: readonly (Row | undefined)[] = await other.getMany([at("z"), at("a"), at("never"), at("k")]);
        const found = rows.map((row): unknown => row && [text(row.value), row.revision]);
        const written: unknown = [`${number}`, result.revision];
        assert.deepEqual(found, [written, written, undefined, written]);
        const page = await other.scan(TABLE, {}, { limit: 10, level: { atLeast: result.position } });
        assert.deepEqual([page.rows.map(({ key }) => text(key)).join(""), page.more], ["akz", false]);
      }
      const conflict = await store.commit({ checks: [absent("b"), absent("k"), absent("z")], puts: [put("b")] });
      assert.deepEqual(conflict.committed ? [] : conflict.failedChecks, [1, 2]);
    }
  });

  rangedTest("scans in pages that are full and say truly whether there is more", async (cluster) => {
    const names = ["a", "g", "h", "o", "p", "z"];
    const { store } = cluster.nodes[2]!;
    await store.commit({ puts: names.map((name) => put(name)) });
    for (let limit = 1; limit <= names.length + 1; limit++) {
      for (const reverse of [false, true]) {
        const { rows, more } = await store.scan(TABLE, {}, { limit, reverse });
        const expected = (reverse ? names.toReversed() : names).slice(0, limit);
        assert.deepEqual([rows.map(({ key }) => text(key)), more], [expected, limit < names.length]);
      }
    }
    await store.commit({ deletes: [at("p"), at("z")] });
    assert.equal((await store.scan(TABLE, {}, { limit: 4 })).more, false, "what is left has no rows");
  });

  rangedTest(
    "refuses a commit over more groups than one may touch, and keys that nobody serves after a while",
    async (cluster) => {
      const { store, root, table } = cluster.nodes[0]!;
      const puts = ["a", "k", "z"].map((name) => put(name));
      await assert.rejects(store.commit({ puts }), fails("TOO_LARGE"));
      assert.ok((await store.commit({ puts: puts.slice(1) })).committed);
      await changeMap(root, { from: encodeKeyBound(utf8("p")), to: EMPTY }, 2);
      await table.correct();
      await assert.rejects(store.get(at("z")), fails("DEADLINE_PASSED"));
      await assert.rejects(store.commit({ puts: [put("z")] }), fails("DEADLINE_PASSED"));
      assert.ok((await store.get(at("k"))).row);
    },
    { transactions: { participantsMax: 2 } },
  );

  rangedTest(
    "goes straight to the root group until keys are cut, and on from there without a word",
    async (cluster) => {
      const [{ store }, other] = [cluster.nodes[0]!, cluster.nodes[1]!];
      const watch = store.watch(TABLE, {})[Symbol.asyncIterator]();
      const first = await store.commit({ puts: [put("a", "1"), put("z", "1")] });
      assert.match(first.position, /^p1-1\.[0-9a-z]+$/);
      const { value } = await watch.next();
      assert.deepEqual([told(value!), value!.position], [["a=1", "z=1"], first.position]);
      await cluster.move("p", undefined, { source: 1, target: 3 });
      await other.store.commit({ puts: [put("z", "2")] });
      assert.equal(text((await store.get(at("z"), { level: { atLeast: first.position } })).row!.value), "2");
      assert.deepEqual(told((await watch.next()).value!), ["z=2"]);
      await watch.return?.();
    },
    { cuts: [] },
  );
});

describe("a backup of the root group", () => {
  rangedTest("is refused while other groups have rows, and whole again when they have none", async (cluster) => {
    const [{ root, env, store }] = [cluster.nodes[0]!];
    await store.commit({ puts: [put("z")] });
    await assert.rejects(root.backup(env.disk, "backup"), fails("RANGES_CUT"));
    await cluster.move("h", "p", { source: 2, target: 1 });
    await cluster.move("p", undefined, { source: 3, target: 1 });
    assert.ok((await root.backup(env.disk, "backup")).rows > 0);
    assert.ok((await store.get(at("z"))).row);
  });
});

describe("a watch over several ranges", () => {
  rangedTest("tells all that happens while its keys move, each change once, wherever it is read", async (cluster) => {
    const { store } = cluster.nodes[0]!;
    const watches = cluster.nodes.map((node) =>
      node.store.watch(TABLE, {}, { progress: true })[Symbol.asyncIterator](),
    );
    for (const watch of watches) assert.deepEqual((await watch.next()).value!.changes, []);
    const seen = watches.map(async (watch) => {
      const all: string[] = [];
      while (all.length < 24) for (const one of told((await watch.next()).value!)) all.push(one);
      return all;
    });
    const routes = [
      ["h", "p", 2, 3],
      ["p", undefined, 3, 2],
      ["h", "p", 3, 1],
      ["h", "p", 1, 2],
    ] as const;
    let number = 0;
    const write = async (): Promise<void> => {
      number++;
      for (const name of ["a", "k", "z"]) await store.commit({ puts: [put(name, `${number}`)] });
    };
    for (const [from, to, source, target] of routes) {
      await write();
      const moving = cluster.move(from, to, { source, target });
      await write();
      await moving;
    }
    for (const all of await Promise.all(seen)) {
      for (const name of ["a", "k", "z"]) {
        const own = all.filter((one) => one.startsWith(name));
        assert.deepEqual(
          own,
          ["1", "2", "3", "4", "5", "6", "7", "8"].map((value) => `${name}=${value}`),
        );
      }
    }
    for (const watch of watches) await watch.return?.();
  });

  rangedTest("goes on elsewhere from any event's position, and says so where it can not", async (cluster) => {
    const [{ store }, , { store: other }] = [cluster.nodes[0]!, cluster.nodes[1]!, cluster.nodes[2]!];
    const { position: since } = await store.scan(TABLE, {}, { limit: 1 });
    for (const number of [1, 2])
      for (const name of ["a", "k", "z"]) await store.commit({ puts: [put(name, `${number}`)] });
    const watch = store.watch(TABLE, {}, { since })[Symbol.asyncIterator]();
    const events: WatchEvent[] = [];
    while (events.length < 6) events.push((await watch.next()).value!);
    await watch.return?.();
    for (const [place, { position }] of events.entries()) {
      const left = new Set(events.slice(place + 1).flatMap(told));
      const rest = other.watch(TABLE, {}, { since: position })[Symbol.asyncIterator]();
      while (left.size > 0) for (const one of told((await rest.next()).value!)) assert.ok(left.delete(one), one);
      await rest.return?.();
    }
    await cluster.move("h", "p", { source: 2, target: 3 });
    await store.commit({ puts: [put("k", "3")] });
    const late = other.watch(TABLE, {}, { since: events[0]!.position })[Symbol.asyncIterator]();
    await assert.rejects(late.next(), fails("HISTORY_LOST"));
    const nonsense = other.watch(TABLE, {}, { since: "p1-1.zzzzzzzz@1" })[Symbol.asyncIterator]();
    await assert.rejects(nonsense.next(), (error) => fails("HISTORY_LOST")(error) || fails("POSITION_INVALID")(error));
  });
});

describe("leases over several ranges", () => {
  rangedTest("take their rows along from everywhere, also those that move while they live", async (cluster) => {
    const [{ store }, , last] = [cluster.nodes[0]!, cluster.nodes[1]!, cluster.nodes[2]!];
    const { id: lease } = await store.grant(5000);
    await store.commit({ puts: [put("a"), put("k"), put("z")], lease });
    await last.store.commit({ puts: [put("kk")], lease });
    await cluster.move("h", "p", { source: 2, target: 3 });
    await last.store.keepAlive(lease);
    await last.store.commit({ puts: [put("l")], lease });
    await last.store.revoke(lease);
    assert.deepEqual((await store.scan(TABLE, {}, { limit: 10 })).rows, []);
    for (const name of ["a", "k", "z"]) {
      await assert.rejects(last.store.commit({ puts: [put(name)], lease }), fails("LEASE_UNKNOWN"));
    }
  });

  rangedTest("end while a group does not answer, as soon as it does", async (cluster) => {
    const { store } = cluster.nodes[0]!;
    const { id: lease } = await store.grant(1000);
    await store.commit({ puts: [put("a"), put("z")], lease });
    cluster.network.cut(2, 3);
    cluster.network.cut(1, 3);
    await cluster.elapse(5000);
    assert.equal((await store.get(at("a"))).row, undefined);
    cluster.network.heal();
    for (let tries = 0; (await store.get(at("z"))).row !== undefined; tries++) {
      assert.ok(tries < 100, "the row goes");
      await cluster.elapse(200);
    }
  });

  rangedTest("answer a request that moved with its key with its first result", async (cluster) => {
    const { store } = cluster.nodes[2]!;
    const { id: session } = await store.grant(60_000);
    const requests = ["a", "k", "z"].map((name, number) => {
      return { puts: [put(name, "once"), put(`${name}${name}`)], request: { session, sequence: number + 1 } };
    });
    const first: CommitResult[] = [];
    for (const commit of requests) first.push(await store.commit(commit));
    await cluster.move("h", "p", { source: 2, target: 1 });
    await cluster.move("p", undefined, { source: 3, target: 2 });
    for (const [number, commit] of requests.entries()) {
      const [before, again] = [first[number]!, await cluster.nodes[number]!.store.commit(commit)];
      assert.ok(before.committed && again.committed);
      assert.equal(again.revision, before.revision);
    }
    const unknown = { puts: [put("z")], request: { session: session + 1, sequence: 1 } };
    await assert.rejects(store.commit(unknown), fails("SESSION_UNKNOWN"));
  });

  rangedTest("wait for rows that are between two groups", async (cluster) => {
    const [node] = cluster.nodes;
    const { store, root } = node!;
    const { id: lease } = await store.grant(60_000);
    await store.commit({ puts: [put("k")], lease });
    const bounds = { from: encodeKeyBound(utf8("h")), to: encodeKeyBound(utf8("p")) };
    const run = runOf(node!, { transfer: 99, attempt: 1, ...bounds, source: 2, target: 3 });
    await bringKeys(run);
    let isRevoked = false;
    const revoked = store.revoke(lease).then(() => (isRevoked = true));
    await cluster.elapse(500);
    assert.equal(isRevoked, false);
    await changeMap(root, bounds, 3);
    await releaseKeys(run);
    await revoked;
    assert.equal((await store.get(at("k"))).row, undefined);
  });
});
