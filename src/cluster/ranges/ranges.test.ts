import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { decodeKeyBound, ROOT_GROUP, TABLES } from "../../store/index.ts";
import { readLayout } from "./layout.ts";
import { abortTransfer, mergeRange, moveRange, splitRange } from "./range-changes.ts";
import { RangeCluster, type RangeClusterOptions } from "./testing/range-cluster.ts";

function rangeTest(
  name: string,
  options: Omit<RangeClusterOptions, "seed">,
  run: (cluster: RangeCluster) => Promise<void>,
) {
  test(name, async () => {
    const cluster = new RangeCluster({ seed: 1, ...options });
    const whole = async (): Promise<void> => {
      await cluster.begin();
      await run(cluster);
      await cluster.close();
    };
    await cluster.scheduler.settle(whole(), 3_600_000);
    assert.deepEqual(cluster.errors, []);
  });
}

const row = (name: string) => ({ table: TABLES.kv, key: utf8(name) });

async function fill(cluster: RangeCluster): Promise<void> {
  const puts = ["a", "c", "e", "m", "q", "x"].map((name) => ({ ...row(name), value: utf8(`value of ${name}`) }));
  await cluster.persist((root) => root.commit({ puts }));
}

const idle = async (cluster: RangeCluster): Promise<void> =>
  cluster.until(async () => (await readLayout(cluster.open[0]!.root)).transfers.length === 0, "keys arrive");

async function serving(cluster: RangeCluster, name: string): Promise<number[]> {
  const found: number[] = [];
  const { groups } = await readLayout(cluster.open[0]!.root);
  for (const group of [ROOT_GROUP, ...groups.map(({ id }) => id)]) {
    try {
      const { row: read } = await cluster.open[0]!.router.group(group).get(row(name));
      assert.ok(read !== undefined, `${name} is there`);
      found.push(group);
    } catch (error) {
      if (!hasCode(error, "RANGE_MISMATCH")) throw error;
    }
  }
  return found;
}

describe("ranges", () => {
  rangeTest(
    "a range is split, merged again, and the group that is left goes from all disks",
    { founders: 3 },
    async (cluster) => {
      await fill(cluster);
      const group = await splitRange(cluster.node(1).root, utf8("m"));
      await idle(cluster);
      assert.deepEqual(await serving(cluster, "e"), [ROOT_GROUP]);
      assert.deepEqual(await serving(cluster, "m"), [group]);
      assert.deepEqual(await serving(cluster, "x"), [group]);
      await mergeRange(cluster.node(2).root, utf8("q"));
      await idle(cluster);
      assert.deepEqual(await serving(cluster, "x"), [ROOT_GROUP]);
      await cluster.until(() => cluster.open.every(({ ranges }) => ranges.keeper.all.length === 0), "the group goes");
      for (const { disk } of cluster.nodes) assert.deepEqual(await disk.list(`groups/${group}/store`), []);
      assert.ok((await readLayout(cluster.node(1).root)).map.isWhole);
    },
  );

  rangeTest(
    "a group goes to nodes that joined, and its old ones forget it",
    { founders: 3, spares: 3 },
    async (cluster) => {
      await fill(cluster);
      const group = await splitRange(cluster.node(1).root, utf8("m"));
      await idle(cluster);
      for (const id of [4, 5, 6]) await cluster.join(id);
      await cluster.until(() => holders(cluster, group).length === 5, "a fifth node makes the group safer");
      for (const id of [1, 2]) await cluster.setState(id, "draining");
      await cluster.until(() => String(holders(cluster, group)) === "3,4,5", "draining nodes forget the group");
      for (const id of [1, 2]) await cluster.setState(id, "active");
      await cluster.until(() => holders(cluster, group).length === 5, "they are of use again");
      await moveRange(cluster.node(1).root, utf8("q"), [2, 3, 4, 5, 6]);
      await cluster.until(() => String(holders(cluster, group)) === "2,3,4,5,6", "the group goes where it was sent");
      assert.deepEqual(await serving(cluster, "x"), [group]);
      const noted = async () => (await readLayout(cluster.node(1).root)).groups[0]!;
      await cluster.until(async () => String((await noted()).members) === "2,3,4,5,6", "its row says so");
    },
  );

  rangeTest("a majority that starts anew finds its groups on its disks", { founders: 3 }, async (cluster) => {
    await fill(cluster);
    const group = await splitRange(cluster.node(1).root, utf8("m"));
    await idle(cluster);
    for (const node of cluster.nodes) node.stop("power");
    await Promise.all(cluster.nodes.map((node) => node.open()));
    assert.deepEqual(holders(cluster, group), [1, 2, 3]);
    await cluster.until(async () => (await serving(cluster, "x").catch(() => [])).length === 1, "it serves again");
  });

  rangeTest(
    "a group whose files are damaged on one node comes back from the others",
    { founders: 3 },
    async (cluster) => {
      await fill(cluster);
      const group = await splitRange(cluster.node(1).root, utf8("m"));
      await idle(cluster);
      const store = cluster.node(3).ranges.local(group)!;
      // So that its log does not reach back to the beginning.
      for (let round = 0; round < 3; round++) {
        for (let at = 0; at < 20; at++)
          await store.commit({ puts: [{ ...row(`n${at}`), value: new Uint8Array(100) }] });
        await store.checkpoint();
      }
      const victim = cluster.node(3);
      victim.stop("process");
      const { disk, indexes } = victim.machine.env;
      await indexes.remove(`groups/${group}/index`);
      for (const name of await disk.list(`groups/${group}/store`)) {
        const file = await disk.open(`groups/${group}/store/${name}`, "write");
        await file.write(40, [new Uint8Array(200).fill(7)]);
        await file.close();
      }
      await victim.open();
      await cluster.until(() => holders(cluster, group).length === 3, "it is fetched anew");
      const { row: read } = await victim.ranges.local(group)!.get(row("n7"));
      assert.equal(read?.value.length, 100);
      assert.deepEqual(cluster.heard, ["refetched"]);
    },
  );

  rangeTest("a removed node's groups go to another one", { founders: 3, spares: 1 }, async (cluster) => {
    await fill(cluster);
    const group = await splitRange(cluster.node(1).root, utf8("m"));
    await idle(cluster);
    await cluster.join(4);
    cluster.node(3).stop("process");
    await cluster.setState(3, "removed");
    await cluster.until(async () => {
      const { groups } = await readLayout(cluster.open[0]!.root);
      return String(groups[0]!.members) === "1,2,4";
    }, "the members are without it");
    await cluster.until(() => String(holders(cluster, group)) === "1,2,4", "the new one holds it");
  });

  rangeTest("a group of one node is split off, grows, and is merged", { founders: 1, spares: 2 }, async (cluster) => {
    await fill(cluster);
    const group = await splitRange(cluster.node(1).root, utf8("e"));
    await idle(cluster);
    assert.deepEqual(holders(cluster, group), [1]);
    await mergeRange(cluster.node(1).root, utf8("e"));
    await idle(cluster);
    await cluster.until(() => holders(cluster, group).length === 0, "the group goes");
    const next = await splitRange(cluster.node(1).root, utf8("e"));
    await idle(cluster);
    for (const id of [2, 3]) await cluster.join(id);
    await cluster.until(() => holders(cluster, next).length === 3, "the next one grows with the cluster");
    assert.deepEqual(await serving(cluster, "x"), [next]);
  });

  rangeTest("a target that nobody can found is given up", { founders: 3 }, async (cluster) => {
    await fill(cluster);
    cluster.node(3).stop("process");
    const group = await splitRange(cluster.node(1).root, utf8("m"));
    await idle(cluster);
    const { groups, map } = await readLayout(cluster.node(1).root);
    assert.deepEqual([groups.length, map.isWhole], [0, true]);
    await cluster.until(() => holders(cluster, group).length === 0, "nobody waits for it any more");
    assert.deepEqual(await serving(cluster, "x"), [ROOT_GROUP]);
    await cluster.node(3).open();
  });

  rangeTest("keys stay where they are when their transfer is broken off", { founders: 3 }, async (cluster) => {
    await fill(cluster);
    const many = Array.from({ length: 60 }, (_, at) => ({ ...row(`p${at}`), value: new Uint8Array(100) }));
    await cluster.persist((root) => root.commit({ puts: many }));
    const group = await splitRange(cluster.node(1).root, utf8("m"));
    await cluster.until(() => cluster.open.some(({ ranges }) => (ranges.mover.progress?.bytes ?? 0) > 0), "it begins");
    await assert.rejects(mergeRange(cluster.node(1).root, utf8("m")), { code: "RANGES_BUSY" });
    await abortTransfer(cluster.node(2).root, group + 1, "changed my mind");
    await idle(cluster);
    assert.deepEqual(await serving(cluster, "x"), [ROOT_GROUP]);
    await cluster.until(() => holders(cluster, group).length === 0, "the group that was founded goes");
  });

  const small = { rangeBytesMax: 20_000, transferBytesPerSecond: 1_000_000 };
  const growing = { founders: 3, ranges: { ...small, pageLimits: { rowsMax: 50, bytesMax: 4_000 } } };
  rangeTest(
    "a range that has grown too large is split, and merged when it is small again",
    growing,
    async (cluster) => {
      const rows = Array.from({ length: 60 }, (_, at) => row(`key ${100 + at}`));
      const value = new Uint8Array(500);
      for (const one of rows) await cluster.persist((root) => root.commit({ puts: [{ ...one, value }] }));
      const ranges = async () => (await readLayout(cluster.open[0]!.root)).map.ranges;
      await cluster.until(async () => (await ranges()).length > 1, "it is split");
      await idle(cluster);
      const [left, right] = await ranges();
      const middle = text(decodeKeyBound(right!.from));
      assert.ok(middle > "key 120" && middle < "key 140", middle);
      for (const { group } of [left!, right!]) {
        const store = cluster.open[0]!.router.group(group);
        const isHere = ({ key }: { key: Uint8Array }): boolean => text(key) >= middle === (group === right!.group);
        for (const one of rows.filter(isHere)) await store.commit({ deletes: [one] });
      }
      await cluster.until(async () => (await ranges()).length === 1, "what is left is one range");
    },
  );

  rangeTest("what can not be is refused", { founders: 3 }, async (cluster) => {
    const { root } = cluster.node(1);
    await assert.rejects(splitRange(root, utf8("")), { code: "RANGE_REQUEST_INVALID" });
    await assert.rejects(splitRange(root, utf8("m"), { nodes: [1, 2, 9] }), { code: "NODE_UNKNOWN" });
    await assert.rejects(splitRange(root, utf8("m"), { nodes: [1, 2] }), { code: "RANGE_REQUEST_INVALID" });
    await assert.rejects(mergeRange(root, utf8("m")), { code: "RANGE_REQUEST_INVALID" });
    await assert.rejects(moveRange(root, utf8("m"), [1, 2, 3]), { code: "RANGE_REQUEST_INVALID" });
    await assert.rejects(abortTransfer(root, 7, ""), { code: "RANGE_REQUEST_INVALID" });
  });
});

const holders = (cluster: RangeCluster, group: number): number[] =>
  cluster.open.filter(({ ranges }) => ranges.keeper.get(group) !== undefined).map(({ id }) => id);
