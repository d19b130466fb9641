import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { sourceOf } from "../std/source.ts";
import { type Commit, type Store, TABLES } from "../store/index.ts";
import type { BlobRef } from "./index.ts";
import { deadAddress, decodeMark, encodeDrop, encodeMark } from "./needle-rows.ts";
import { World } from "./testing/world.ts";

/** Calls `before` ahead of the first commit that fits, while the collector waits for it. */
function interrupting(fits: (commit: Commit) => boolean, before: () => Promise<void>): (store: Store) => Store {
  let isDone = false;
  return (store) =>
    new Proxy(store, {
      get(target, name) {
        if (name !== "commit") {
          const value = Reflect.get(target, name) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (commit: Commit) => {
          if (!isDone && fits(commit)) {
            isDone = true;
            await before();
          }
          return target.commit(commit);
        };
      },
    });
}

const marksOf = (commit: Commit): string[] =>
  (commit.puts ?? []).filter(({ table }) => table === TABLES.dead).map(({ value }) => decodeMark(value).state);

const marks = (world: World): string[] => world.rows.rowsOf(TABLES.dead).map(({ value }) => decodeMark(value).state);

const garbageOf = (world: World, { volume }: BlobRef): number =>
  world.blobs.status().volumes.find((one) => one.volume === volume)!.garbageBytes;

describe("the collector", () => {
  test("condemns a dropped needle after the readers' grace, and not before", async () => {
    const world = await World.open({ options: { readersGraceMillis: 5000 } });
    const [ref] = await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.commitRow("key", "", undefined));
    await world.run(4000);
    deepEqual(marks(world), []);
    equal((await world.settle(world.read([ref!]))).length, 9000);
    await world.run(2000);
    deepEqual(marks(world), ["garbage"]);
    equal(world.rows.rowsOf(TABLES.drop).length, 0);
    equal(garbageOf(world, ref!), 12_288);
    equal(world.blobs.counters.droppedNeedles, 1);
    await world.close();
  });

  test("spares a needle that another row of the owner names, and forgets that it was dropped", async () => {
    const world = await World.open();
    const refs = await world.settle(world.put("key", world.bytes(9000)));
    ok(await world.settle(world.commitRow("key", "copy", refs)));
    await world.settle(world.commitRow("key", "", undefined));
    await world.run(3000);
    deepEqual(marks(world), []);
    equal(world.rows.rowsOf(TABLES.drop).length, 0);
    equal((await world.settle(world.get("key", "copy")))?.length, 9000);
    equal(world.blobs.counters.sparedNeedles, 1);
    await world.close();
  });

  test("sees a reference that was committed just before its mark", async () => {
    let world: World;
    let refs: readonly BlobRef[] = [];
    const wrapStore = interrupting(
      (commit) => marksOf(commit).includes("pending"),
      async () => {
        ok(await world.commitRow("key", "late", refs));
      },
    );
    world = await World.open({ wrapStore });
    refs = await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.commitRow("key", "", undefined));
    await world.run(3000);
    deepEqual(marks(world), []);
    equal((await world.settle(world.get("key", "late")))?.length, 9000);
    await world.close();
  });

  test("conflicts with a reference that comes after its mark", async () => {
    let world: World;
    let refs: readonly BlobRef[] = [];
    let committed: boolean | undefined;
    const wrapStore = interrupting(
      (commit) => marksOf(commit).includes("garbage"),
      async () => {
        committed = await world.commitRow("key", "late", refs);
      },
    );
    world = await World.open({ wrapStore });
    refs = await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.commitRow("key", "", undefined));
    await world.run(3000);
    equal(committed, false);
    deepEqual(marks(world), ["garbage"]);
    await world.close();
  });

  test("does not lose sight of a needle that is dropped again while it is spared", async () => {
    let world: World;
    let isArmed = true;
    const wrapStore = interrupting(
      (commit) => isArmed && (commit.deletes ?? []).some(({ table }) => table === TABLES.dead),
      async () => {
        isArmed = false;
        ok(await world.commitRow("key", "copy", undefined));
      },
    );
    world = await World.open({ wrapStore });
    const refs = await world.settle(world.put("key", world.bytes(9000)));
    ok(await world.settle(world.commitRow("key", "copy", refs)));
    await world.settle(world.commitRow("key", "", undefined));
    await world.run(8000);
    deepEqual(marks(world), ["garbage"]);
    equal(world.rows.rowsOf(TABLES.drop).length, 0);
    await world.close();
  });

  test("takes an append without a row for an orphan when it is old enough and not in flight any more", async () => {
    const world = await World.open({ options: { collectAgeMillis: 5000 } });
    const appended = await world.settle(world.blobs.append(utf8("key"), sourceOf(world.bytes(9000)), 9000));
    await world.run(20_000);
    deepEqual(marks(world), [], "it is in flight");
    appended[Symbol.dispose]();
    appended[Symbol.dispose]();
    await world.run(2000);
    deepEqual(marks(world), ["garbage"]);
    equal(world.blobs.counters.orphanedNeedles, 1);
    await world.close();
  });

  test("asks about every needle once, and goes on there after a restart", async () => {
    const world = await World.open({ options: { collectAgeMillis: 1000 } });
    for (let at = 0; at < 20; at++) await world.settle(world.put(`key ${at}`, world.bytes(9000)));
    let asked = 0;
    const { named } = world.references;
    (world.references as { named: typeof named }).named = (key, needles) => {
      asked += needles.length;
      return named(key, needles);
    };
    await world.run(10_000);
    equal(asked, 20);
    await world.close();
    await world.kill();
    await world.run(10_000);
    equal(asked, 20);
    await world.close();
  });

  test("asks all again after a long time, for the mistakes of others", async () => {
    const world = await World.open({ options: { collectAgeMillis: 1000, sweepEveryMillis: 60_000 } });
    const [ref] = await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.blobs.sealVolumes());
    await world.run(5000);
    // A row that went without leaving a drop row.
    world.rows.commit({ deletes: [{ table: TABLES.object, key: utf8("key") }] });
    await world.run(30_000);
    deepEqual(marks(world), []);
    await world.run(60_000);
    ok(!world.blobs.status().volumes.some(({ volume }) => volume === ref!.volume));
    await world.close();
  });

  test("judges at the next start what a stop left pending", async () => {
    const world = await World.open();
    const refs = await world.settle(world.put("live", world.bytes(9000)));
    const [dead] = await world.settle(world.put("dead", world.bytes(9000)));
    await world.settle(world.put("other", world.bytes(9000)));
    world.rows.commit({ deletes: [{ table: TABLES.object, key: utf8("dead") }] });
    const value = encodeMark({ state: "pending", run: 1, sequence: 1, slotBytes: 12_288, timeMillis: 1 });
    world.rows.commit({
      puts: [refs[0]!, dead!].map((ref, at) => ({ ...deadAddress(utf8(at === 0 ? "live" : "dead"), ref), value })),
    });
    equal(await world.settle(world.commitRow("live", "copy", refs)), false);
    await world.kill();
    await world.run(2000);
    deepEqual(marks(world), ["garbage"]);
    ok(await world.settle(world.commitRow("live", "copy", refs)));
    await world.close();
  });

  test("counts the garbage of earlier processes again, once each", async () => {
    const world = await World.open({ options: { compactGarbagePercent: 100 } });
    const refs: BlobRef[] = [];
    for (let at = 0; at < 10; at++) refs.push(...(await world.settle(world.put(`key ${at}`, world.bytes(9000)))));
    for (let at = 0; at < 5; at++) await world.settle(world.commitRow(`key ${at}`, "", undefined));
    await world.run(3000);
    equal(garbageOf(world, refs[0]!), 5 * 12_288);
    for (let round = 0; round < 2; round++) {
      await world.kill();
      await world.run(3000);
      ok(world.blobs.status().garbageCounted);
      equal(garbageOf(world, refs[0]!), 5 * 12_288);
    }
    await world.close();
  });

  test("keeps a mark until nobody can still be about to name the needle, then removes it", async () => {
    const world = await World.open({ options: { referenceMillisMax: 30_000 } });
    await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.put("kept", world.bytes(2000)));
    await world.settle(world.commitRow("key", "", undefined));
    await world.run(2000);
    await world.settle(world.blobs.sealVolumes());
    await world.run(20_000);
    equal(world.blobs.status().volumes.find(({ state }) => state === "sealed")!.generation, 2);
    deepEqual(marks(world), ["garbage"], "the bytes are gone, the mark is not");
    await world.run(30_000);
    deepEqual(marks(world), []);
    await world.close();
  });

  test("lets a drop row of the future begin to age now", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(9000)));
    world.rows.commit({
      deletes: [{ table: TABLES.object, key: utf8("key") }],
      puts: [
        {
          ...deadAddress(utf8("key"), ref!),
          table: TABLES.drop,
          value: encodeDrop(world.machine.env.clock.now() + 1e9),
        },
      ],
    });
    await world.run(4000);
    deepEqual(marks(world), ["garbage"]);
    await world.close();
  });

  test("removes drop rows that name nothing it has", async () => {
    const world = await World.open();
    const names = [{ volume: 99, needle: 512 }];
    for (const name of names) {
      world.rows.commit({ puts: [{ ...deadAddress(utf8("key"), name), table: TABLES.drop, value: encodeDrop(0) }] });
    }
    world.rows.commit({ puts: [{ table: TABLES.drop, key: utf8("key"), suffix: utf8("?"), value: encodeDrop(0) }] });
    await world.run(2000);
    equal(world.rows.rowsOf(TABLES.drop).length, 0);
    await world.close();
  });

  test("goes on after a lost reply", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const world = await World.open({ seed, unknownChance: 0.3 });
      let stored = 0;
      while (stored < 6) {
        const put = world.put(`key ${stored}`, world.bytes(9000));
        await world.settle(put.then(() => stored++).catch((error) => ok(hasCode(error, "OUTCOME_UNKNOWN"))));
      }
      for (let at = 0; at < 6; at += 2) {
        await rejects(async () => {
          for (;;) {
            const done = await world.settle(world.commitRow(`key ${at}`, "", undefined).catch(() => false));
            if (done || (await world.settle(world.refs(`key ${at}`))) === undefined) throw new Error("gone");
          }
        }, /gone/);
      }
      await world.run(30_000);
      deepEqual(
        [...new Set(marks(world))].filter((state) => state === "pending"),
        [],
      );
      for (let at = 1; at < 6; at += 2) equal((await world.settle(world.get(`key ${at}`)))?.length, 9000);
      await world.close();
    }
  });
});
