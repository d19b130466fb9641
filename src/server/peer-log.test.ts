import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { envFailure } from "../env/index.ts";
import { Logger } from "./logger.ts";
import { tellOfPeers } from "./peer-log.ts";

describe("the log of the nodes' connections", () => {
  const lines: string[] = [];
  const logger = new Logger({ now: () => 0, monotonic: () => 0 }, "text", (line) => void lines.push(line));

  test("tells of a node that can not be reached once, until it is there or fails in another way", () => {
    const tell = tellOfPeers(logger);
    const refused = envFailure("CONNECTION_REFUSED", { what: "127.0.0.1:9202 refused the connection." });
    for (let attempt = 0; attempt < 5; attempt++) tell({ kind: "failed", node: 2, error: refused });
    tell({ kind: "failed", node: 3, error: refused });
    tell({ kind: "failed", node: 2, error: new Error("something else") });
    tell({ kind: "connected", direction: "in", node: 2, remoteAddress: "127.0.0.1" });
    tell({ kind: "failed", node: 2, error: new Error("something else") });
    tell({ kind: "connected", direction: "out", node: 2, remoteAddress: "127.0.0.1" });
    tell({ kind: "failed", node: 2, error: new Error("something else") });
    const failures = lines.filter((line) => line.includes("peer.failed"));
    assert.deepEqual(
      failures.map((line) => /node=\d/.exec(line)?.[0]),
      ["node=2", "node=3", "node=2", "node=2"],
    );
    assert.match(failures[0]!, /warning peer\.failed node=2 code=CONNECTION_REFUSED message=127\.0\.0\.1:9202 refused/);
  });

  test("tells of a node that refuses this one once, and of each that this one refuses", () => {
    const tell = tellOfPeers(logger);
    lines.length = 0;
    const refusal = {
      kind: "refused",
      node: 2,
      remoteAddress: "a",
      reason: "cluster",
      text: "another cluster",
    } as const;
    for (let attempt = 0; attempt < 3; attempt++) tell({ ...refusal, direction: "out" });
    for (let attempt = 0; attempt < 3; attempt++) tell({ ...refusal, direction: "in" });
    assert.equal(lines.filter((line) => line.includes("direction=out")).length, 1);
    assert.equal(lines.filter((line) => line.includes("direction=in")).length, 3);
  });
});
