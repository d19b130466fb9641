import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { equalBytes, text, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { STORE_LIMITS, TABLES } from "../store/index.ts";
import { deadAddress, decodeMark, encodeMark, encodeShare, shareAddress } from "./needle-rows.ts";
import { type RowName, World } from "./testing/world.ts";

const row = (owner: string, suffix = ""): RowName => ({ owner, suffix });
const holders = (world: World): string[] => world.rows.rowsOf(TABLES.share).map(({ suffix }) => text(suffix.slice(8)));
const marks = (world: World): string[] => world.rows.rowsOf(TABLES.dead).map(({ value }) => decodeMark(value).state);

async function shared(world: World, source: RowName, target: RowName): Promise<void> {
  ok(await world.settle(world.share(source, target)));
}

async function removed(world: World, owner: string): Promise<void> {
  ok(await world.settle(world.commitRow(owner, "", undefined)));
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first) => permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]));
}

describe("shared needles", () => {
  test("live as long as anyone names them: source, copy, and copy of the copy, whichever goes first", async () => {
    for (const order of permutations(["source", "copy", "copy of copy"])) {
      const world = await World.open();
      const bytes = world.bytes(9000);
      const [ref] = await world.settle(world.put("source", bytes));
      await shared(world, row("source"), row("copy"));
      await shared(world, row("copy"), row("copy of copy"));
      deepEqual(holders(world).sort(), ["copy", "copy of copy"]);
      for (const [at, owner] of order.entries()) {
        for (const left of order.slice(at)) ok(equalBytes((await world.settle(world.get(left)))!, bytes), left);
        await removed(world, owner);
        await world.run(4000);
        deepEqual(marks(world), at < 2 ? [] : ["garbage"], `${order.slice(0, at + 1)} went`);
      }
      equal(world.rows.rowsOf(TABLES.share).length, 0);
      equal(world.rows.rowsOf(TABLES.drop).length, 0);
      equal(world.blobs.status().volumes.find(({ volume }) => volume === ref!.volume)?.garbageBytes, 12_288);
      await world.close();
    }
  });

  test("count as garbage once, when the last row goes", async () => {
    const world = await World.open();
    await world.settle(world.put("source", world.bytes(9000)));
    await shared(world, row("source"), row("copy"));
    await removed(world, "source");
    await removed(world, "copy");
    await world.run(5000);
    equal(world.blobs.counters.garbageBytes, 12_288);
    equal(world.blobs.counters.droppedNeedles, 1);
    await world.close();
  });

  test("a copy that goes takes nothing of its source, and its share row ends", async () => {
    const world = await World.open();
    await world.settle(world.put("source", world.bytes(9000)));
    await shared(world, row("source"), row("copy"));
    await removed(world, "copy");
    await world.run(3000);
    deepEqual(marks(world), []);
    deepEqual(holders(world), []);
    ok((await world.settle(world.get("source"))) !== undefined);
    await world.close();
  });

  test("holders that name nothing any more are forgotten, many of them page by page", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("source", world.bytes(9000)));
    for (let at = 10; at < 90; at++) {
      const share = shareAddress(utf8("source"), ref!, utf8(`stale ${at}`));
      world.rows.commit({ puts: [{ ...share, value: encodeShare(1) }] });
    }
    await shared(world, row("source"), row("the last to be asked"));
    await removed(world, "source");
    await world.run(4000);
    deepEqual(holders(world), ["the last to be asked"]);
    deepEqual(marks(world), []);
    await removed(world, "the last to be asked");
    await world.run(4000);
    deepEqual(holders(world), []);
    deepEqual(marks(world), ["garbage"]);
    await world.close();
  });

  test("a copy waits for the verdict on a needle that is being examined, and never names what is condemned", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("source", world.bytes(9000)));
    const mark = deadAddress(utf8("source"), ref!);
    const fields = { run: 1, sequence: 1, slotBytes: 12_288, timeMillis: 1 };
    for (const state of ["pending", "garbage"] as const) {
      world.rows.commit({ puts: [{ ...mark, value: encodeMark({ ...fields, state }) }] });
      equal(await world.settle(world.share(row("source"), row("copy"))), false);
    }
    deepEqual(holders(world), []);
    await world.close();
  });

  test("a copy whose source went away meanwhile is not committed, nor are its share rows", async () => {
    const world = await World.open();
    await world.settle(world.put("source", world.bytes(9000)));
    const removing = async (): Promise<void> => {
      ok(await world.commitRow("source", "", undefined));
    };
    equal(await world.settle(world.share(row("source"), row("copy"), removing)), false);
    deepEqual(holders(world), []);
    await world.close();
  });

  test("a holder that names a needle again from memory is found, though its share row had ended", async () => {
    const world = await World.open();
    await world.settle(world.put("source", world.bytes(9000)));
    await shared(world, row("source"), row("copy"));
    await shared(world, row("copy"), row("other"));
    const read = await world.settle(world.refs("copy"));
    await removed(world, "copy");
    await removed(world, "source");
    await world.run(4000);
    deepEqual(holders(world), ["other"]);
    ok(await world.settle(world.commitRow("copy", "late", read)));
    deepEqual(holders(world).sort(), ["copy", "other"]);
    await removed(world, "other");
    await world.run(4000);
    equal((await world.settle(world.get("copy", "late")))?.length, 9000);
    await world.close();
  });

  test("move with their volume when it is compacted", async () => {
    const world = await World.open({ options: { compactGarbagePercent: 100 } });
    const bytes = world.bytes(9000);
    const [ref] = await world.settle(world.put("source", bytes));
    await world.settle(world.put("garbage", world.bytes(9000)));
    await shared(world, row("source"), row("copy"));
    await removed(world, "source");
    await removed(world, "garbage");
    await world.run(4000);
    await world.settle(world.blobs.sealVolumes());
    await world.settle(world.blobs.compactVolume(ref!.volume));
    equal(world.blobs.status().volumes.find(({ volume }) => volume === ref!.volume)?.generation, 2);
    ok(equalBytes((await world.settle(world.get("copy")))!, bytes));
    await world.kill();
    ok(equalBytes((await world.settle(world.get("copy")))!, bytes));
    await world.close();
  });

  test("that only a copy names are no orphans to the sweep, and are reported when they are damaged", async () => {
    const world = await World.open({ options: { readersGraceMillis: 3_600_000, collectAgeMillis: 1000 } });
    const [ref] = await world.settle(world.put("source", world.bytes(9000)));
    await shared(world, row("source"), row("copy"));
    await removed(world, "source");
    await world.run(5000);
    deepEqual(marks(world), []);
    world.machine.disk.rot(`volumes/${String(ref!.volume).padStart(8, "0")}.g1.volume`, ref!.needle * 8 + 1000);
    await world.settle(world.blobs.verifyVolume(ref!.volume));
    deepEqual(
      world.events.filter(({ kind }) => kind === "damage").map((event) => "needle" in event && event.needle),
      [ref!.needle],
    );
    await rejects(world.settle(world.get("copy")), (error) => hasCode(error, "BLOB_DAMAGED"));
    await world.close();
  });

  test("survive a crash of which only the tail is left, for the copy's sake", async () => {
    const world = await World.open();
    const bytes = world.bytes(9000);
    await world.settle(world.put("source", bytes));
    await shared(world, row("source"), row("copy"));
    await removed(world, "source");
    await world.crash();
    await world.run(4000);
    ok(equalBytes((await world.settle(world.get("copy")))!, bytes));
    await world.close();
  });

  test("have share rows only where both keys fit into one", async () => {
    const world = await World.open();
    const ref = { volume: 1, needle: 512, length: 1, checksum: 0 };
    const holder = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7);
    // The table, the end mark of the key, the needle.
    const room = STORE_LIMITS.keyBytesMax - 1 - 2 - 8;
    const owner = holder(900);
    equal(world.blobs.shareRows(owner, holder(room - 900), [ref, ref])?.length, 1);
    equal(world.blobs.shareRows(owner, holder(room - 899), [ref]), undefined);
    // A zero byte of the owner's key takes two.
    owner[0] = 0;
    equal(world.blobs.shareRows(owner, holder(room - 900), [ref]), undefined);
    equal(world.blobs.shareRows(owner, holder(room - 901), [ref])?.length, 1);
    await world.close();
  });
});
