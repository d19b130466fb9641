// Backups are taken of ranges while clients pay across them, and started from on a node of their own: each commit is there
// whole or not at all, and nothing without what was acknowledged before it. Whoever takes one dies at any moment, also
// while nobody serves the keys: others let go of them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Log } from "../../log/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { type CheckpointHeader, checkpointName, readCheckpoint, type Store } from "../../store/index.ts";
import { readLayout } from "./layout.ts";
import { splitRange } from "./range-changes.ts";
import { ACCOUNTS, beginCut, CUTS, EACH, accountRow as row, untilIdle } from "./testing/cut-cluster.ts";
import { RangeCluster, type RangeNode } from "./testing/range-cluster.ts";

const FIRST_SEED = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);
const SEEDS = Number(process.env["ASHLAR_SIM_SEEDS"] ?? 4);
const NAME = "backup/rows";
const SEGMENT_BYTES = 65_536;
const DEATHS = 8;
const STEP_MILLIS = 4;

async function moveMoney(store: Store, prng: Prng): Promise<void> {
  const [from, to] = [row(prng.pick(ACCOUNTS)), row(prng.pick(ACCOUNTS))];
  if (text(from.key) === text(to.key)) return;
  const [source, target] = await store.getMany([from, to]);
  await store.commit({
    checks: [
      { ...from, revision: source!.revision },
      { ...to, revision: target!.revision },
    ],
    puts: [
      { ...from, value: utf8(`${Number(text(source!.value)) - 1}`) },
      { ...to, value: utf8(`${Number(text(target!.value)) + 1}`) },
    ],
  });
}

interface Copy {
  readonly bytes: Uint8Array;
  readonly header: CheckpointHeader;
}

async function readCopy({ disk }: RangeNode): Promise<Copy> {
  const header = await readCheckpoint(disk, NAME, () => {});
  const file = await disk.open(NAME, "read");
  const bytes = await file.read(0, await file.length());
  await file.close();
  return { bytes, header };
}

/** As a restore does. */
async function layOut({ machine: { env } }: RangeNode, { bytes, header }: Copy): Promise<void> {
  await env.disk.makeDirectory("store");
  const copy = await env.disk.open(checkpointName("store", header.appliedIndex), "create");
  await copy.write(0, [bytes]);
  await copy.close();
  const log = await Log.open(env, { options: { segmentBytes: SEGMENT_BYTES }, onFatal: () => {} });
  const { group, appliedIndex: index, term } = header;
  await new Promise((resolve) => log.append([{ kind: "compaction", group, index, term }], resolve));
  await log.close();
}

describe("a backup of ranges", () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    test(`has each commit whole or not at all, and what came before it (ASHLAR_SIM_SEED=${seed})`, async () => {
      const cluster = new RangeCluster({ seed, founders: 3, ranges: { transferBytesPerSecond: 100_000 } });
      const prng = new Prng(seed);
      const answered: number[] = [];
      let copy: Copy | undefined;
      const run = async (): Promise<void> => {
        await beginCut(cluster);
        let isOver = false;
        const payers = cluster.nodes.map(async ({ store }) => {
          for (; !isOver; await cluster.elapse(prng.below(20))) await moveMoney(store, prng);
        });
        // Each of these is acknowledged before the next one begins, in another range.
        const walkers = cluster.nodes.map(async ({ store, id }) => {
          const places = ["b", "j", "s"].map((place) => row(`${place}${id}`));
          for (let step = 1; !isOver; step++) {
            await store.commit({ puts: [{ ...places[step % 3]!, value: utf8(`${step}`) }] });
            answered[id] = step;
            await cluster.elapse(prng.below(10));
          }
        });
        await cluster.elapse(prng.below(200));
        const { id: lease } = await cluster.node(2).store.grant(60_000);
        const leased = ["d", "n", "y"].map((name) => ({ ...row(name), value: utf8("on a lease") }));
        await cluster.node(2).store.commit({ puts: leased, lease });
        const [node, before] = [cluster.node(1 + prng.below(3)), [...answered]];
        await node.ranges.backup(NAME);
        isOver = true;
        await Promise.all([...payers, ...walkers]);
        await untilIdle(cluster);
        assert.deepEqual(await node.disk.list("backup"), ["rows"]);
        copy = await readCopy(node);
        answered.splice(0, answered.length, ...before);
        await cluster.close();
      };
      await cluster.scheduler.settle(run(), 3_600_000);
      assert.deepEqual(cluster.errors, []);
      const restored = new RangeCluster({ seed, founders: 1 });
      const verify = async (): Promise<void> => {
        await layOut(restored.node(1), copy!);
        await restored.begin();
        const { store, root } = restored.node(1);
        assert.ok((await readLayout(root)).map.isWhole);
        const rows = await store.getMany(ACCOUNTS.map(row));
        assert.equal(
          rows.reduce((sum, found) => sum + Number(text(found!.value)), 0),
          ACCOUNTS.length * EACH,
        );
        for (const id of [1, 2, 3]) {
          const places = await store.getMany(["b", "j", "s"].map((place) => row(`${place}${id}`)));
          const steps = places.map((found) => (found === undefined ? 0 : Number(text(found.value))));
          const last = Math.max(...steps);
          assert.ok(last >= (answered[id] ?? 0), "what was acknowledged before is there");
          for (const back of [0, 1, 2]) {
            if (last > back)
              assert.equal(steps[(last - back) % 3], last - back, "no step is there without those before it");
          }
        }
        await store.commit({ puts: ["a", "m", "z"].map((name) => ({ ...row(name), value: utf8("after") })) });
        for (const name of ["d", "n", "y"]) assert.ok((await store.get(row(name))).row, "the lease lives on");
        await restored.elapse(70_000);
        for (const name of ["d", "n", "y"]) assert.equal((await store.get(row(name))).row, undefined, "and ends");
        assert.equal(root.prepared, 0);
        const group = await splitRange(root, utf8("m"));
        assert.ok(group > CUTS.length * 2, "ids of groups are not given out again");
        await untilIdle(restored);
        await restored.close();
      };
      await restored.scheduler.settle(verify(), 3_600_000);
      assert.deepEqual(restored.errors, []);
    });
  }

  test("leaves nothing held where whoever takes it dies, at any moment", async () => {
    const cluster = new RangeCluster({ seed: 5, founders: 3, ranges: { transferBytesPerSecond: 5_000 } });
    let frozen = 0;
    const run = async (): Promise<void> => {
      await beginCut(cluster);
      const many = Array.from({ length: 60 }, (_, at) => ({ ...row(`x${at}`), value: utf8("filled") }));
      await cluster.node(1).store.commit({ puts: many });
      for (let round = 0; round < DEATHS; round++) {
        const victim = cluster.node(1 + (round % 3));
        const other = cluster.node(1 + ((round + 1) % 3));
        let isTaken = false;
        const ended = (): void => void (isTaken = true);
        victim.ranges.backup(NAME).then(ended, ended);
        while (!isTaken && (await readLayout(other.root)).transfers.length === 0) await cluster.elapse(1);
        // The later ones come closer to where nobody serves the keys, and to behind that.
        await cluster.elapse(round * STEP_MILLIS);
        victim.stop("process");
        await cluster.until(() => cluster.open.some(({ leadsRoot }) => leadsRoot), "somebody leads");
        if (!(await isServed(cluster, other))) frozen++;
        await cluster.until(async () => (await readLayout(other.root)).transfers.length === 0, "all is let go");
        for (const name of ACCOUNTS) await other.store.commit({ puts: [{ ...row(name), value: utf8("again") }] });
        await victim.open();
        await victim.store.get(row("a"));
      }
      await cluster.close();
    };
    await cluster.scheduler.settle(run(), 3_600_000);
    assert.ok(frozen > 0, "some died while nobody served the keys");
  });
});

async function isServed(cluster: RangeCluster, { router, root }: RangeNode): Promise<boolean> {
  const { map } = await readLayout(root);
  const asked = map.ranges.map(({ group }, at) => {
    const name = ["a", "m", "x"][at]!;
    return cluster.within(router.group(group).get(row(name)), 1_000);
  });
  return (await Promise.allSettled(asked)).every(({ status }) => status === "fulfilled");
}
