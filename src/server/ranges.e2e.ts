// Real servers whose keys are cut into ranges while clients use them: split as they grow, with a node killed, and merged on
// request; objects of all ranges are there, listed in order, on every node. A backup has all of them.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ServerProcess } from "../testing/server-process.ts";
import { apiCall, untilCanLose } from "./testing/cluster-status.ts";
import { call, GrowingCluster } from "./testing/growing-cluster.ts";
import { type RangesAnswer, untilRanges } from "./testing/ranges-status.ts";

const namesOf = (listing: string): string[] => [...listing.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name!);

describe("a cluster whose keys are cut into ranges", { timeout: 600_000 }, () => {
  test("serves all of them on every node, through splits, a node's death and merges", async () => {
    await using cluster = await GrowingCluster.of(false, ["b", "c"], ["--range-bytes-max", "64KiB"]);
    await untilCanLose(cluster.first, 1);
    await call(cluster.first, "PUT", "/bucket");
    const names = Array.from({ length: 60 }, (_, at) => `key-${100 + at}`);
    const bodyOf = (name: string, round: number): string => `${name} of round ${round}`.padEnd(1000, ".");
    const write = async (server: ServerProcess, round: number): Promise<void> => {
      for (const name of names) await call(server, "PUT", `/bucket/${name}`, bodyOf(name, round));
    };
    const verify = async (server: ServerProcess, round: number): Promise<void> => {
      for (const name of names) assert.equal(await call(server, "GET", `/bucket/${name}`), bodyOf(name, round));
      assert.deepEqual(namesOf(await call(server, "GET", "/bucket?list-type=2")), names);
    };
    await write(cluster.first, 1);
    // What is written meanwhile goes where its keys are by then.
    let round = 1;
    const isCut = ({ ranges, transfers }: RangesAnswer): boolean => ranges.length > 1 && transfers.length === 0;
    const cutting = untilRanges(cluster.first, isCut);
    let isOver = false;
    void cutting.finally(() => (isOver = true));
    while (!isOver) await write(cluster.node("b"), ++round);
    const cut = await cutting;
    assert.deepEqual(cut.groups[0]!.members, [1, 2, 3]);
    for (const name of ["a", "b", "c"]) await verify(cluster.node(name), round);

    await cluster.stop("c");
    await write(cluster.node("b"), ++round);
    await verify(cluster.first, round);
    await cluster.run("c");
    await verify(cluster.node("c"), round);

    const { ranges } = await untilRanges(cluster.first, isCut);
    const gone = ranges.at(-1)!;
    await apiCall(cluster.node("b"), "POST", "/v1/cluster/ranges/merge", { key: gone.from });
    await write(cluster.first, ++round);
    const isGone = (now: RangesAnswer): boolean => !now.groups.some(({ id }) => id === gone.group);
    await untilRanges(cluster.first, isGone);
    await verify(cluster.node("c"), round);
    await untilCanLose(cluster.node("b"), 1);
  });

  test("is backed up as a whole while clients write, and goes on from that on one node", async () => {
    await using cluster = await GrowingCluster.of(false, ["b", "c"], ["--range-bytes-max", "64KiB"]);
    await untilCanLose(cluster.first, 1);
    await call(cluster.first, "PUT", "/bucket");
    const names = Array.from({ length: 90 }, (_, at) => `key-${100 + at}`);
    const bodyOf = (name: string, round: number): string => `${name} of round ${round}`.padEnd(1000, ".");
    for (const name of names) await call(cluster.first, "PUT", `/bucket/${name}`, bodyOf(name, 1));
    const large = "large".repeat(20_000);
    await call(cluster.first, "PUT", "/bucket/large", large);
    await untilRanges(cluster.first, ({ ranges, transfers }) => ranges.length > 1 && transfers.length === 0);
    let isOver = false;
    const writing = (async () => {
      for (let round = 2; !isOver; round++) {
        for (const name of names)
          if (!isOver) await call(cluster.node("b"), "PUT", `/bucket/${name}`, bodyOf(name, round));
      }
    })();
    const archive = `${cluster.dataDirOf("a")}.tar`;
    const { api, dataDir } = cluster.first;
    await ashlar(["backup", "create", archive], { ASHLAR_API: api, ASHLAR_DATA_DIR: dataDir });
    isOver = true;
    await writing;
    await call(cluster.node("c"), "PUT", "/bucket/late", "too late");
    for (const name of ["a", "b", "c"]) await cluster.stop(name);

    const restored = cluster.dataDirOf("restored");
    await ashlar(["restore", archive, restored], {});
    const server = await cluster.run("a", undefined, restored);
    assert.deepEqual(namesOf(await call(server, "GET", "/bucket?list-type=2")), [...names, "large"]);
    for (const name of names) {
      const body = await call(server, "GET", `/bucket/${name}`);
      assert.equal(body, bodyOf(name, Number(/round (\d+)/.exec(body)![1])));
    }
    assert.equal(await call(server, "GET", "/bucket/large"), large);
    const whole = (await apiCall(server, "GET", "/v1/cluster/ranges")) as RangesAnswer;
    assert.deepEqual(
      whole.ranges.map(({ group }) => group),
      [1],
    );
    for (const name of names) await call(server, "PUT", `/bucket/${name}`, bodyOf(name, 0));
    assert.equal(await call(server, "GET", `/bucket/${names[0]}`), bodyOf(names[0]!, 0));
  });
});

async function ashlar(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const bin = fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));
  await promisify(execFile)(process.execPath, [bin, ...args], { env: { ...process.env, ...env } });
}
