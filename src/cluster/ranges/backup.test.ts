import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { HOLD, ROOT_GROUP, RowSpool, readCheckpoint, writeJoinedCopy } from "../../store/index.ts";
import { holding } from "./hold.ts";
import { readLayout } from "./layout.ts";
import { abortTransfer, splitRange } from "./range-changes.ts";
import { beginCut, untilIdle } from "./testing/cut-cluster.ts";
import { RangeCluster, type RangeNode } from "./testing/range-cluster.ts";

const NAME = "backup/rows";

const settings = ({ root, router, machine }: RangeNode) => {
  return { env: machine.env, root, router, onError: assert.ifError };
};

describe("a backup of ranges", () => {
  test("is refused where somebody has let go of the ranges meanwhile", async () => {
    const cluster = new RangeCluster({ seed: 6, founders: 3 });
    const run = async (): Promise<void> => {
      await beginCut(cluster);
      const node = cluster.node(1);
      const { env } = node.machine;
      await using spool = await RowSpool.create(env.disk, "backup/spool");
      const held = await holding(settings(node), async (map) => {
        await node.root.commit({ deletes: [HOLD] });
        await untilIdle(cluster);
        await (await node.root.copy(env.disk, "backup/root")).written;
        return map;
      });
      const hold = { id: held.row.id, attempt: held.row.attempt };
      const joined = { env, name: NAME, rootRows: "backup/root", hold, ranges: [], spool };
      await assert.rejects(writeJoinedCopy(joined), { code: "TRANSFER_SUPERSEDED" });
      await cluster.close();
    };
    await cluster.scheduler.settle(run(), 3_600_000);
    assert.deepEqual(cluster.errors, []);
  });

  test("waits for keys that are on their way, and nothing else begins meanwhile", async () => {
    const cluster = new RangeCluster({ seed: 8, founders: 3 });
    const run = async (): Promise<void> => {
      await beginCut(cluster);
      const node = cluster.node(2);
      await splitRange(node.root, utf8("u"));
      const taken = node.ranges.backup(NAME);
      await cluster.until(async () => {
        const [first] = (await readLayout(node.root)).transfers;
        return first?.phase === "holding";
      }, "all is held");
      await assert.rejects(splitRange(node.root, utf8("w")), { code: "RANGES_BUSY" });
      const [held] = (await readLayout(node.root)).transfers;
      await assert.rejects(abortTransfer(node.root, held!.id, "no"), { code: "RANGE_REQUEST_INVALID" });
      await taken;
      const header = await readCheckpoint(node.disk, NAME, () => {});
      assert.equal(header.group, ROOT_GROUP);
      await splitRange(node.root, utf8("w"));
      await untilIdle(cluster);
      await cluster.close();
    };
    await cluster.scheduler.settle(run(), 3_600_000);
    assert.deepEqual(cluster.errors, []);
  });
});
