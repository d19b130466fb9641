import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import type { ByteSource } from "../std/source.ts";
import { SUPERBLOCK_BYTES } from "./format.ts";
import { type BlobRef, listVolumeFiles } from "./index.ts";
import { type ClusterNode, ClusterWorld, QUICK } from "./testing/cluster-world.ts";
import { lengthOf } from "./testing/world.ts";

/** Extents are of 98,304 bytes. */
const BODY_BYTES = 280_000;
const CHUNK_BYTES = 16_384;
const tooFew = (error: unknown): boolean => hasCode(error, "REPLICAS_TOO_FEW");

/** Gives the bytes chunk by chunk; before the one at `at` something happens. */
function brokenAt(bytes: Uint8Array, at: number, happens: () => void): ByteSource {
  let given = 0;
  let hasHappened = false;
  return {
    async read() {
      if (given >= at && !hasHappened) {
        hasHappened = true;
        happens();
      }
      const chunk = given === bytes.length ? null : bytes.slice(given, given + CHUNK_BYTES);
      given += chunk?.length ?? 0;
      return chunk;
    },
    cancel() {},
  };
}

describe("a large body whose volume loses too many copies", () => {
  const worlds: ClusterWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });

  async function open(nodes: number): Promise<ClusterWorld> {
    const world = await ClusterWorld.open({ seed: 11, nodes });
    worlds.push(world);
    await world.run(1000);
    return world;
  }

  /** Through the first node, whose extents go to one volume until something happens. */
  async function put(world: ClusterWorld, bytes: Uint8Array, source: ByteSource): Promise<readonly BlobRef[]> {
    const writer = world.node(1);
    const putting = async (): Promise<readonly BlobRef[]> => {
      using appended = await writer.blobs!.append(utf8("key"), source, bytes.length);
      ok(await world.commitRow(writer, "key", appended.refs));
      return appended.refs;
    };
    return world.settle(putting());
  }

  /** Of the open volume of extents. */
  function membersNow(world: ClusterWorld): readonly ClusterNode[] {
    const row = [...world.volumes().values()].find(({ kind, state }) => kind === "extents" && state === "open")!;
    return row.members.filter((name) => name !== "1").map((name) => world.node(Number(name)));
  }

  async function nothingIsLeft(world: ClusterWorld): Promise<void> {
    await world.run(30_000);
    const { needlesInFlight, memoryBytes } = world.node(1).blobs!.status();
    deepEqual([needlesInFlight, memoryBytes], [0, 0]);
    for (const { state, members } of world.volumes().values()) {
      if (state === "sealed") ok(members.length >= 2, "what is sealed has its copies again");
    }
    ok(world.node(1).events.every(({ kind }) => kind !== "damage"));
  }

  for (const at of [0, 20_000, 98_304, 150_000, 250_000]) {
    test(`goes on in another volume where they end after ${at} bytes, and is read through every node`, async () => {
      const world = await open(5);
      const bytes = world.bytes(BODY_BYTES);
      await world.settle(world.put(world.node(1), "before", world.bytes(50_000)));
      const gone = membersNow(world);
      equal(gone.length, 2);
      const since = world.scheduler.nowMillis;
      const refs = await put(
        world,
        bytes,
        brokenAt(bytes, at, () => {
          for (const node of gone) world.stop(node, "crash");
        }),
      );
      ok(world.scheduler.nowMillis - since < 1.2 * QUICK.replicaLagMillisMax!, "it has waited for them once");
      ok(world.node(1).blobs!.counters.movedExtents > 0);
      equal(lengthOf(refs), BODY_BYTES);
      const left = world.nodes.filter((node) => !gone.includes(node));
      for (const node of left) deepEqual(await world.settle(world.read(node, refs)), bytes);
      for (const node of gone) await world.restart(node);
      await nothingIsLeft(world);
      for (const node of world.nodes) deepEqual(await world.settle(world.read(node, refs)), bytes);
    });
  }

  test("goes on in another volume where its last sync fails on them", async () => {
    const world = await open(5);
    const bytes = world.bytes(98_304);
    await world.settle(world.put(world.node(1), "before", world.bytes(50_000)));
    const gone = membersNow(world);
    const refs = await put(
      world,
      bytes,
      brokenAt(bytes, bytes.length, () => {
        for (const node of gone) node.machine.disk.failNext("sync");
      }),
    );
    ok(gone.every((node) => node.fatal.length > 0));
    equal(world.node(1).blobs!.counters.movedExtents, 1);
    deepEqual(await world.settle(world.read(world.node(1), refs)), bytes);
    for (const node of gone) {
      world.stop(node, "kill");
      await world.restart(node);
    }
    await nothingIsLeft(world);
    for (const node of world.nodes) deepEqual(await world.settle(world.read(node, refs)), bytes);
  });

  test("is refused where another node has taken the volume over and cut what was not acknowledged", async () => {
    const world = await open(3);
    const bytes = world.bytes(BODY_BYTES);
    const writer = world.node(1);
    await rejects(
      put(
        world,
        bytes,
        brokenAt(bytes, 150_000, () => writer.machine.pause(6000)),
      ),
      (error) => hasCode(error, "VOLUME_LOST") || hasCode(error, "REPLICAS_TOO_FEW"),
    );
    ok(world.nodes.some(({ blobs }) => blobs!.counters.takeovers > 0));
    await nothingIsLeft(world);
    const refs = await world.settle(world.put(writer, "key", bytes));
    for (const node of world.nodes) deepEqual(await world.settle(world.read(node, refs)), bytes);
  });

  test("is refused where too few nodes are left, and nothing of it stays", async () => {
    const world = await open(3);
    const bytes = world.bytes(BODY_BYTES);
    const source = brokenAt(bytes, 150_000, () => {
      for (const id of [2, 3]) world.stop(world.node(id), "kill");
    });
    await rejects(put(world, bytes, source), tooFew);
    for (const id of [2, 3]) await world.restart(world.node(id));
    await nothingIsLeft(world);
    await world.run(30_000);
    equal(
      [...world.volumes().values()].filter(({ kind, state }) => kind === "extents" && state === "sealed").length,
      0,
    );
  });

  test("is refused where this node's copy is not what was written: nothing wrong is ever named", async () => {
    const world = await open(5);
    const bytes = world.bytes(98_304);
    const { machine } = world.node(1);
    await world.settle(world.put(world.node(1), "before", world.bytes(50_000)));
    const gone = membersNow(world);
    const source = brokenAt(bytes, 70_000, () => {
      for (const node of gone) world.stop(node, "kill");
      const length = machine.disk.lengthNow(extents!.name)!;
      for (let at = SUPERBLOCK_BYTES + 60_000; at < length; at += 1000) machine.disk.rot(extents!.name, at);
    });
    const files = await world.settle(listVolumeFiles(machine.env.disk));
    const extents = files.find(({ volume }) => world.volumes().get(volume)!.kind === "extents");
    await rejects(put(world, bytes, source), tooFew);
    const { needlesInFlight, memoryBytes } = world.node(1).blobs!.status();
    deepEqual([needlesInFlight, memoryBytes], [0, 0]);
  });
});
