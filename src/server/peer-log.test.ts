import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { envFailure } from "../env/index.ts";
import { Logger } from "./logger.ts";
import { tellOfPeers } from "./peer-log.ts";

describe("the log of the nodes' connections", () => {
  const lines: string[] = [];
  let nowMillis = 0;
  const clock = { now: () => 0, monotonic: () => nowMillis };
  const logger = new Logger(clock, "text", (line) => void lines.push(line));

  test("tells of a node that can not be reached once, until it is there or fails in another way", () => {
    const tell = tellOfPeers(logger, clock);
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
    const tell = tellOfPeers(logger, clock);
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

  test("tells of a stranger who comes again and again once a minute for each reason", () => {
    const tell = tellOfPeers(logger, clock);
    lines.length = 0;
    const come = (remoteAddress: string, reason: string): void => {
      const error = envFailure("TLS_REFUSED", { what: "TLS failed.", data: { reason } });
      for (let attempt = 0; attempt < 3; attempt++) tell({ kind: "stranger", remoteAddress, error });
    };
    come("a", "timeout");
    come("b", "timeout");
    come("a", "reset");
    nowMillis += 59_999;
    come("a", "timeout");
    nowMillis += 1;
    come("a", "timeout");
    assert.deepEqual(
      lines.map((line) => /remoteAddress=(\w).*reason=(\w+)/.exec(line)?.slice(1).join(" ")),
      ["a timeout", "b timeout", "a reset", "a timeout"],
    );
  });

  test("forgets strangers beyond a limit, the first ones first", () => {
    const tell = tellOfPeers(logger, clock);
    lines.length = 0;
    const error = envFailure("TLS_REFUSED");
    const come = (at: number): void => tell({ kind: "stranger", remoteAddress: `address-${at}`, error });
    for (let at = 0; at <= 1000; at++) come(at);
    come(1000);
    come(0);
    assert.equal(lines.length, 1002);
  });
});
