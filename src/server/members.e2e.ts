// Real servers that become a cluster, and stay one while nodes come and go: joining by a token, status, draining, removing,
// replacing; and data directories that must not come back.

import assert from "node:assert/strict";
import { cp, rm } from "node:fs/promises";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiRefusal, apiCall, clusterAnswer, untilCanLose, untilCluster } from "./testing/cluster-status.ts";
import { call, GrowingCluster } from "./testing/growing-cluster.ts";

describe("a cluster", { timeout: 600_000 }, () => {
  test("grows from one node to five, which all serve, and says what it can lose", async () => {
    await using cluster = await GrowingCluster.begin(true);
    await call(cluster.first, "PUT", "/bucket");
    await call(cluster.first, "PUT", "/bucket/early", "from the beginning");
    assert.equal((await clusterAnswer(cluster.first)).canLose, 0);
    for (const name of ["b", "c", "d", "e"]) {
      const server = await cluster.run(name, cluster.joinToken);
      assert.equal(await call(server, "GET", "/bucket/early"), "from the beginning");
    }
    const { summary, nodes } = await untilCluster(cluster.node("e"), ({ canLose }) => canLose === 2);
    assert.equal(summary, "Can lose 2 more nodes.");
    assert.deepEqual(
      nodes.map(({ id, state, zone }) => [id, state, zone]),
      [1, 2, 3, 4, 5].map((id) => [id, "active", id === 1 ? "west" : ""]),
    );
    for (const [at, server] of [...cluster.running.values()].entries()) {
      assert.equal(nodes[at]!.endpoints["s3"], server.s3);
    }
    await cluster.stop("a");
    await cluster.stop("b");
    await call(cluster.node("c"), "PUT", "/bucket/late", "with three of five");
    assert.equal(await call(cluster.node("e"), "GET", "/bucket/late"), "with three of five");
    const left = await untilCluster(cluster.node("d"), ({ canLose }) => canLose === 0);
    assert.equal(left.summary, "Can lose 0 more nodes. Nodes 1, 2 do not answer.");
    await cluster.run("a");
    await cluster.run("b");
    await untilCanLose(cluster.node("c"), 2);
  });

  test("lets nodes go: drained and removed, or replaced when they are lost", async () => {
    await using cluster = await GrowingCluster.of(false, ["b", "c"]);
    await untilCanLose(cluster.first, 1);
    await call(cluster.first, "PUT", "/bucket");
    await call(cluster.first, "PUT", "/bucket/key", "value");
    const refused = (path: string, method = "DELETE") =>
      assert.rejects(
        apiCall(cluster.first, method, path),
        (error) => error instanceof ApiRefusal && error.status === 409,
      );
    await refused("/v1/cluster/nodes/3");

    await cluster.stop("c");
    await untilCluster(cluster.first, ({ nodes }) => nodes[2]!.alive === false);
    // One of the two that are left is not to be taken as well.
    await refused("/v1/cluster/nodes/2?force=true");
    const made = (await apiCall(cluster.first, "POST", "/v1/cluster/tokens", { replaces: 3 })) as { token: string };
    await cluster.run("d", made.token);
    const replaced = await untilCluster(cluster.first, ({ nodes, canLose }) => {
      return canLose === 1 && nodes.find(({ id }) => id === 3)?.state === "removed";
    });
    assert.equal(replaced.nodes.find(({ id }) => id === 4)?.role, "voter");
    await assert.rejects(cluster.run("c"), /was removed from its cluster/);

    const leader = replaced.leader!;
    await apiCall(cluster.first, "POST", `/v1/cluster/nodes/${leader}/drain`);
    await untilCluster(cluster.first, (now) => now.leader !== leader && now.leader !== undefined);
    await cluster.run("e", cluster.joinToken);
    await untilCluster(cluster.first, ({ nodes }) => nodes.filter(({ role }) => role !== "none").length === 4);
    const other = cluster.node(leader === 1 ? "b" : "a");
    await apiCall(other, "DELETE", `/v1/cluster/nodes/${leader}`);
    await untilCluster(other, ({ nodes, canLose }) => {
      return canLose === 1 && nodes.find(({ id }) => id === leader)?.role === "none";
    });
    assert.equal(await call(cluster.node("e"), "GET", "/bucket/key"), "value");
  });

  test("refuses a copy of a data directory, and one that was put back", async () => {
    await using cluster = await GrowingCluster.of(true, ["b", "c"]);
    await untilCanLose(cluster.first, 1);
    await cluster.stop("c", "stop");
    const [original, copy] = [cluster.dataDirOf("c"), cluster.dataDirOf("copy")];
    await cp(original, copy, { recursive: true });
    await cluster.run("c");
    await untilCanLose(cluster.first, 1);
    await assert.rejects(
      cluster.run("copy", undefined, copy),
      /was started since from another state of its data directory/,
    );
    cluster.running.delete("copy");
    assert.equal(cluster.node("c").process.exitCode, null, "the original goes on");

    await cluster.stop("c", "stop");
    await rm(original, { recursive: true });
    await cp(copy, original, { recursive: true });
    await assert.rejects(cluster.run("c"), /was started since from another state of its data directory/);
    cluster.running.delete("c");
    // Until it is noticed that the one that was refused is gone again, it counts.
    await untilCluster(cluster.first, ({ canLose }) => canLose === 0);
  });

  test("ends a node whose data was put back to a moment within its last start", async () => {
    await using cluster = await GrowingCluster.of(false, ["b", "c"]);
    await untilCanLose(cluster.first, 1);
    await call(cluster.first, "PUT", "/bucket");
    const [directory, earlier] = [cluster.dataDirOf("c"), cluster.dataDirOf("earlier")];
    await cp(directory, earlier, { recursive: true });
    for (let at = 0; at < 20; at++) await call(cluster.first, "PUT", `/bucket/key-${at}`, "value");
    assert.equal(await call(cluster.node("c"), "GET", "/bucket/key-19"), "value");
    await cluster.stop("c");
    await rm(directory, { recursive: true });
    await cp(earlier, directory, { recursive: true });
    await assert.rejects(cluster.run("c"), /saw this node acknowledge entries that its log does not have/);
    cluster.running.delete("c");
    assert.equal(await call(cluster.node("b"), "GET", "/bucket/key-19"), "value");
  });

  test("takes nobody with a token of another cluster, an old one, or none", async () => {
    await using cluster = await GrowingCluster.begin(true);
    await using other = await GrowingCluster.begin(true);
    await assert.rejects(cluster.run("b", other.joinToken), /JOIN_FAILED|did not let this one join/);
    const short = (await apiCall(cluster.first, "POST", "/v1/cluster/tokens", { ttlMillis: 1000 })) as {
      token: string;
    };
    await sleep(1_500);
    await assert.rejects(cluster.run("c", short.token), /does not take this join token/);
    await assert.rejects(cluster.run("d", "ashlar-join-1.nonsense"), /This is no join token/);
    assert.equal((await clusterAnswer(cluster.first)).nodes.length, 1);
  });
});
