import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimDisk } from "../env/sim/index.ts";
import { clusterSettings, settleMembership } from "./cluster.ts";
import { resolveServerOptions } from "./start.ts";

const WHOLE = {
  nodeId: 2,
  cluster: "east",
  peer: ["1=127.0.0.1:9201", "3=[::1]:9203"],
  sealKey: "ab".repeat(32),
  rootAccessKey: "operator",
  rootSecretKey: "long enough",
};

const settings = (values: Readonly<Record<string, unknown>>) =>
  clusterSettings(resolveServerOptions([{ label: "test", values }]));

describe("the options of a cluster", () => {
  test("are none for a node that is alone", () => {
    assert.equal(settings({}), undefined);
  });

  test("name the nodes and their addresses", () => {
    const cluster = settings(WHOLE)!;
    assert.deepEqual(cluster.nodes, [1, 2, 3]);
    assert.deepEqual(cluster.peers.get(3), { host: "::1", port: 9203 });
    assert.equal(cluster.sealKey.length, 32);
  });

  test("are refused where one is missing or does not fit, before anything is opened", () => {
    const { peer: _, ...alone } = WHOLE;
    const wrong: Readonly<Record<string, unknown>>[] = [alone];
    for (const name of ["nodeId", "cluster", "sealKey", "rootAccessKey"] as const) {
      const { [name]: __, ...others } = WHOLE;
      wrong.push(others);
    }
    for (const peer of ["2=127.0.0.1:1", "x=127.0.0.1:1", "1=nowhere", "1=127.0.0.1:0", "4294967296=a:1", "1"]) {
      wrong.push({ ...WHOLE, peer: [peer] });
    }
    wrong.push({ ...WHOLE, peer: ["1=127.0.0.1:1", "1=127.0.0.1:2"] }, { ...WHOLE, sealKey: "ab" });
    for (const values of wrong) {
      assert.throws(() => settings(values), { code: "CLUSTER_OPTIONS_INVALID" }, JSON.stringify(values));
    }
  });
});

describe("a data directory", () => {
  test("stays with its node, its cluster and its other nodes", async () => {
    const disk = new SimDisk().mount();
    const cluster = settings(WHOLE)!;
    await settleMembership(disk, cluster, true);
    await settleMembership(disk, cluster, false);
    const others = [{ ...cluster, nodeId: 3 }, { ...cluster, name: "west" }, { ...cluster, nodes: [1, 2] }, undefined];
    for (const other of others) {
      await assert.rejects(settleMembership(disk, other, false), { code: "CLUSTER_CHANGED" });
    }
  });

  test("of a node that was alone does not join others", async () => {
    const disk = new SimDisk().mount();
    await settleMembership(disk, undefined, true);
    await assert.rejects(settleMembership(disk, settings(WHOLE), false), { code: "CLUSTER_CHANGED" });
    assert.deepEqual(await disk.list(""), []);
  });
});
