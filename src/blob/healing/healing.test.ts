import { deepEqual, equal, ok } from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { storeFailure, TABLES } from "../../store/index.ts";
import type { BlobOptions } from "../index.ts";
import { listVolumeFiles } from "../index.ts";
import { type ClusterNode, ClusterWorld } from "../testing/cluster-world.ts";
import type { VolumeRow } from "../volume-row.ts";

/** By their numbers; those without are not there any more. */
type Bodies = readonly (Uint8Array | undefined)[];

const HEALING: Partial<BlobOptions> = { healAfterMillis: 5000 };

describe("healing", () => {
  const worlds: ClusterWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });

  async function open(nodes: number, zones: readonly string[] = [], options = HEALING): Promise<ClusterWorld> {
    const world = await ClusterWorld.open({ seed: 7, nodes, zones, options });
    worlds.push(world);
    await world.run(1000);
    return world;
  }

  /** Bodies under `key 0` and so on through the first node, in volumes that are sealed then. */
  async function fill(world: ClusterWorld, count: number): Promise<readonly Uint8Array[]> {
    const bodies = Array.from({ length: count }, (_, at) => world.bytes(20_000 + at * 1000));
    for (const [at, body] of bodies.entries()) await world.settle(world.put(world.node(1), `key ${at}`, body));
    await world.settle(world.node(1).blobs!.sealVolumes());
    await world.run(3000);
    return bodies;
  }

  async function allReadBack(world: ClusterWorld, bodies: Bodies, nodes = world.nodes): Promise<void> {
    for (const [at, body] of bodies.entries()) {
      if (body === undefined) continue;
      for (const node of nodes) {
        const refs = (await world.settle(world.refs(node, `key ${at}`)))!;
        deepEqual(await world.settle(world.read(node, refs)), body, `key ${at} through node ${node.id}`);
      }
    }
  }

  const sealed = (world: ClusterWorld): VolumeRow[] =>
    [...world.volumes().values()].filter(({ state }) => state === "sealed");
  const filesOf = async (world: ClusterWorld, node: ClusterNode): Promise<string[]> => {
    return (await world.settle(listVolumeFiles(node.machine.env.disk))).map(({ name }) => name);
  };
  /** The bytes of each member's copy. */
  async function copiesOf(world: ClusterWorld, id: number): Promise<readonly Uint8Array[]> {
    const { members, durable } = world.volumes().get(id)!;
    const copies: Uint8Array[] = [];
    for (const member of members) {
      const { disk } = world.node(Number(member)).machine.env;
      const files = await world.settle(listVolumeFiles(disk));
      const file = await world.settle(disk.open(files.find(({ volume }) => volume === id)!.name, "read"));
      copies.push(await world.settle(file.read(0, durable)));
    }
    return copies;
  }

  /** As it would be after a change by another node: each row of a volume has another revision. */
  async function touchVolumes(world: ClusterWorld): Promise<void> {
    const { store } = world.node(1);
    const { rows } = await world.settle(store!.scan(TABLES.volume, {}, { limit: 100 }));
    for (const row of rows) await world.settle(store!.commit({ puts: [row] }));
  }

  /** Of four bodies one is kept. Returns them, under their numbers. */
  async function dropMost(world: ClusterWorld, bodies: readonly Uint8Array[]): Promise<Bodies> {
    const left: (Uint8Array | undefined)[] = [];
    for (const [at, body] of bodies.entries()) {
      left[at] = at % 4 === 0 ? body : undefined;
      if (at % 4 > 0) await world.settle(world.commitRow(world.node(1), `key ${at}`, undefined));
    }
    return left;
  }

  async function isCompactedEverywhere(world: ClusterWorld): Promise<void> {
    const compacted = [...world.volumes()].filter(([, row]) => row.generation > 1 && row.state === "sealed");
    ok(compacted.length > 0);
    for (const [id, { members }] of compacted) {
      equal(members.length, 3);
      const [first, ...others] = await copiesOf(world, id);
      for (const other of others) deepEqual(other, first);
    }
  }

  test("a node that stays away is replaced by others, and its files go when it comes back", async () => {
    const world = await open(5);
    const bodies = await fill(world, 6);
    const [row] = sealed(world);
    const gone = world.node(Number(row!.members.find((member) => member !== "1")));
    world.stop(gone, "kill");
    await world.run(4000);
    ok(
      sealed(world).some(({ members }) => members.includes(String(gone.id))),
      "it may still come back",
    );
    await world.run(20_000);
    for (const { members } of sealed(world)) {
      equal(members.length, 3);
      ok(!members.includes(String(gone.id)));
    }
    equal(world.node(1).blobs!.status().safety!.canLose, 2);
    await allReadBack(
      world,
      bodies,
      world.nodes.filter((node) => node !== gone),
    );
    await world.restart(gone);
    await world.run(10_000);
    deepEqual(await filesOf(world, gone), []);
    await allReadBack(world, bodies);
  });

  test("a Store that refuses for a while, or fails for good once, keeps no volume from being healed", async () => {
    for (const code of ["DEADLINE_PASSED", "RANGE_MOVING", "NO_LEADER", "ROW_DAMAGED"] as const) {
      const world = await open(5);
      await fill(world, 6);
      const [row] = sealed(world);
      const gone = world.node(Number(row!.members.find((member) => member !== "1")));
      let refused = 0;
      for (const { store } of world.nodes) {
        const commit = store!.commit.bind(store);
        store!.commit = async (given) => {
          const isHealing = given.puts?.some(({ table }) => table === TABLES.volume) === true;
          if (!isHealing || refused === 3) return commit(given);
          refused = code === "ROW_DAMAGED" ? 3 : refused + 1;
          throw storeFailure(code);
        };
      }
      world.stop(gone, "kill");
      await world.run(30_000);
      equal(refused, 3, code);
      // Of one that failed for good somebody learns only by another change of the row what it says.
      if (code === "ROW_DAMAGED") await touchVolumes(world);
      await world.run(40_000);
      for (const { members } of sealed(world)) {
        equal(members.length, 3, code);
        ok(!members.includes(String(gone.id)), code);
      }
    }
  });

  test("a node whose files are lost gets them again", async () => {
    const world = await open(3);
    const bodies = await fill(world, 4);
    const node = world.node(2);
    world.stop(node, "kill");
    node.machine.restart();
    for (const name of await filesOf(world, node)) await world.settle(node.machine.env.disk.remove(name));
    await world.settle(world.start(node));
    await world.run(20_000);
    for (const { members } of sealed(world)) equal(members.length, 3);
    deepEqual(world.node(1).blobs!.status().safety!.atRisk, []);
    for (const [id, { state }] of world.volumes()) {
      if (state !== "sealed") continue;
      const [first, ...others] = await copiesOf(world, id);
      for (const other of others) deepEqual(other, first);
    }
    world.stop(world.node(1), "kill");
    world.stop(world.node(3), "kill");
    await allReadBack(world, bodies, [node]);
  });

  test("bits that flipped in one copy are made whole from the others, and the ledger says so", async () => {
    const world = await open(3);
    const bodies = await fill(world, 6);
    const node = world.node(2);
    const [file] = await world.settle(listVolumeFiles(node.machine.env.disk));
    const length = node.machine.disk.lengthNow(file!.name)!;
    for (let position = 5000; position < length; position += 9000) node.machine.disk.rot(file!.name, position);
    ok((await world.settle(node.blobs!.verifyVolume(file!.volume))).damagedCount > 0);
    await world.run(30_000);
    ok(node.events.some(({ kind }) => kind === "copy-mended"));
    equal((await world.settle(node.blobs!.verifyVolume(file!.volume))).damagedCount, 0);
    const [first, ...others] = await copiesOf(world, file!.volume);
    for (const other of others) deepEqual(other, first);
    await allReadBack(world, bodies);
  });

  test("copies move away from a node that is drained, before it is let go", async () => {
    const world = await open(4);
    const bodies = await fill(world, 6);
    for (const leaving of [2, 1]) {
      world.node(leaving).state = "draining";
      await world.run(20_000);
      for (const { members, writer } of sealed(world)) {
        ok(!members.includes(String(leaving)) && writer !== String(leaving));
        equal(members.length, leaving === 2 ? 3 : 2);
      }
      await allReadBack(world, bodies);
    }
  });

  test("new copies go where their zone is new", async () => {
    const world = await open(6, ["a", "b", "c", "a", "b", "c"]);
    await fill(world, 6);
    world.stop(world.node(3), "kill");
    await world.run(30_000);
    for (const { members } of sealed(world)) {
      deepEqual(members.map((member) => "abc"[(Number(member) - 1) % 3]).sort(), ["a", "b", "c"]);
    }
  });

  test("a volume with garbage is compacted on all of its nodes", async () => {
    const world = await open(3);
    const bodies = await fill(world, 8);
    const left = await dropMost(world, bodies);
    await world.run(60_000);
    await isCompactedEverywhere(world);
    await allReadBack(world, left);
  });

  test("the garbage of a volume is known to whoever is responsible for it, also to one who was before", async () => {
    const world = await open(3, [], { compactGarbagePercent: 60 });
    const bodies = await fill(world, 8);
    for (const at of [1, 2, 3]) await world.settle(world.commitRow(world.node(1), `key ${at}`, undefined));
    await world.run(6000);
    const [id] = [...world.volumes()].find(([, { state }]) => state === "sealed")!;
    const owner = (): ClusterNode => world.node(Number(world.volumes().get(id)!.writer));
    const garbage = (): number => {
      return owner()
        .blobs!.status()
        .volumes.find(({ volume }) => volume === id)!.garbageBytes;
    };
    const found = garbage();
    ok(found > 60_000);
    const owners: number[] = [];
    for (let round = 0; round < 3; round++) {
      owners.push(owner().id);
      equal(garbage(), found);
      world.cut(owner());
      await world.run(12_000);
      world.heal();
      await world.run(6000);
    }
    ok(new Set(owners).size < owners.length, "it has come back to one of them");
    await allReadBack(world, [bodies[0], undefined, undefined, undefined, ...bodies.slice(4)]);
  });

  test("a volume of which nothing lives goes without waiting for a node that is away", async () => {
    const world = await open(3, [], { healAfterMillis: 600_000 });
    const bodies = await fill(world, 4);
    const ids = [...world.volumes()].filter(([, { state }]) => state === "sealed").map(([id]) => id);
    world.stop(world.node(3), "kill");
    for (const at of bodies.keys()) await world.settle(world.commitRow(world.node(1), `key ${at}`, undefined));
    await world.run(20_000);
    for (const id of ids) equal(world.volumes().get(id)?.state, "removed");
    await world.restart(world.node(3));
    await world.run(5000);
    for (const id of ids) ok(!world.volumes().has(id));
    deepEqual(await filesOf(world, world.node(3)), []);
  });

  test("a volume is compacted without a node that stays away, whose old copy goes when it comes back", async () => {
    const world = await open(3);
    const bodies = await fill(world, 8);
    const away = world.node(3);
    world.stop(away, "kill");
    const left = await dropMost(world, bodies);
    await world.run(3000);
    ok(
      sealed(world).every(({ generation }) => generation === 1),
      "it may still come back",
    );
    await world.run(60_000);
    const compacted = sealed(world).filter(({ generation }) => generation > 1);
    ok(compacted.length > 0);
    for (const { members } of compacted) deepEqual([...members].sort(), ["1", "2"]);
    await allReadBack(world, left, [world.node(1), world.node(2)]);
    await world.restart(away);
    await world.run(20_000);
    await isCompactedEverywhere(world);
    const files = await world.settle(listVolumeFiles(away.machine.env.disk));
    for (const { volume, generation } of files) equal(generation, world.volumes().get(volume)!.generation);
    for (const id of [1, 2]) world.stop(world.node(id), "kill");
    await allReadBack(world, left, [away]);
  });
});
