import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  progressOf,
  shownTransfers,
  startable,
  summaryOf,
  TRANSFER_LIMITS,
  type Transfer,
  type TransferState,
  withTransfer,
} from "./transfers.ts";

function transfers(...states: TransferState[]): Transfer[] {
  return states.map((state, id) => ({
    ...{ id, bucket: "b", key: `k${id}`, sizeBytes: 100, state, replace: false },
    sentBytes: state === "sending" ? 50 : state === "done" ? 100 : 0,
  }));
}

describe("uploads", () => {
  test("a few are sent at once, in the order in which they came", () => {
    const ids = (list: Transfer[]) => startable(list).map(({ id }) => id);
    assert.deepEqual(ids(transfers("waiting", "waiting", "waiting", "waiting")), [0, 1, 2]);
    assert.deepEqual(ids(transfers("sending", "done", "sending", "waiting", "waiting")), [3]);
    assert.deepEqual(ids(transfers("sending", "sending", "sending", "waiting")), []);
    assert.deepEqual(ids(transfers("exists", "failed", "cancelled")), []);
  });

  test("what asks for something is shown first, and no more rows than fit", () => {
    const list = transfers("done", "waiting", "sending", "failed", "exists", "cancelled");
    assert.deepEqual(
      shownTransfers(list).map(({ state }) => state),
      ["exists", "failed", "sending", "waiting", "done", "cancelled"],
    );
    const many = transfers(...Array<TransferState>(200).fill("waiting"));
    assert.equal(shownTransfers(many).length, TRANSFER_LIMITS.shownMax);
  });

  test("are told in one sentence", () => {
    assert.equal(summaryOf(transfers("sending", "waiting")), "0 of 2 files uploaded.");
    assert.equal(summaryOf(transfers("done")), "1 file uploaded.");
    assert.equal(
      summaryOf(transfers("done", "failed", "exists", "cancelled")),
      "1 of 3 files uploaded, 1 failed, 1 already there.",
    );
    assert.equal(summaryOf(transfers("cancelled")), "All uploads were cancelled.");
  });

  test("the sentence does not change with every byte", () => {
    const list = transfers("sending");
    assert.equal(summaryOf(withTransfer(list, 0, { sentBytes: 99 })), summaryOf(list));
  });

  test("progress is by bytes, of what is not given up; empty files count", () => {
    assert.deepEqual(progressOf(transfers("done", "sending", "failed", "cancelled")), {
      share: 0.75,
      text: "150 B of 200 B",
    });
    const empty = transfers("done", "waiting").map((each) => ({ ...each, sizeBytes: 0, sentBytes: 0 }));
    assert.deepEqual(progressOf(empty), { share: 0.5, text: "0 B of 0 B" });
    assert.equal(progressOf([]).share, 0);
  });
});
