import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNotReady } from "./why-not-ready.ts";

type Host = Parameters<typeof whyNotReady>[0];

function host(incoming: ReturnType<Host["incomingSnapshot"]>, leader?: string): Host {
  const explain = (): ReturnType<Host["explain"]> =>
    leader === undefined ? undefined : ({ leader } as ReturnType<Host["explain"]>);
  return { explain, incomingSnapshot: () => incoming };
}

test("a node that starts says what it waits for", () => {
  const says = "This node takes the cluster's rows from node 2";
  const piece = { from: 2, receivedBytes: 3 << 20 };
  assert.equal(whyNotReady(host({ ...piece, totalBytes: 400 << 20 })), `${says}: 3 MiB of 400 MiB are here.`);
  assert.equal(whyNotReady(host({ ...piece, receivedBytes: 0, totalBytes: undefined })), `${says}: 0 B are here.`);
  assert.equal(whyNotReady(host(undefined, "Nobody leads.")), "Nobody leads.");
  assert.equal(whyNotReady(host(undefined)), "This node reads what it has.");
});
