import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { storeFailure } from "../../store/index.ts";
import { Waiters } from "./waiters.ts";

describe("callers that wait", () => {
  test("have their turns in the order in which they came, whatever those before them came to", async () => {
    const waiters = new Waiters({ now: () => 0, monotonic: () => 0 });
    const turns: number[] = [];
    const run = (turn: number) => async (): Promise<number> => {
      turns.push(turn);
      await Promise.resolve();
      if (turn === 1) throw storeFailure("NO_LEADER");
      return turn;
    };
    const outcomes = await Promise.allSettled([0, 1, 2].map((turn) => waiters.inTurn(run(turn))));
    assert.deepEqual(turns, [0, 1, 2]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(waiters.count, 0);
  });

  test("are as many as may be, and not for longer than they may", async () => {
    let millis = 0;
    const waiters = new Waiters({ now: () => 0, monotonic: () => millis }, 3);
    const { promise, reject } = Promise.withResolvers<number>();
    let asked = 0;
    const ask = (): Promise<number> => {
      asked++;
      return promise;
    };
    const calls = [waiters.inTurn(ask), waiters.inTurn(ask), waiters.inTurn(ask)];
    await assert.rejects(waiters.inTurn(ask), { code: "IDS_OVERLOADED" });
    const outcomes = Promise.allSettled(calls);
    millis = 10_000;
    await Promise.resolve();
    reject(storeFailure("NO_LEADER"));
    const codes = (await outcomes).map((each) => (each.status === "rejected" ? each.reason.code : "served"));
    assert.deepEqual([codes, asked], [["NO_LEADER", "NO_LEADER", "NO_LEADER"], 1]);
    assert.equal(await waiters.inTurn(async () => 7), 7);
  });
});
