import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualTime } from "../gateway/api/testing/manual-time.ts";
import { type OpenCall, OpenCalls } from "./open-calls.ts";

interface Call extends OpenCall {
  readonly name: string;
}

function openCalls(callsMax = 100): { time: ManualTime; open: OpenCalls<Call>; over: string[] } {
  const time = new ManualTime();
  const over: string[] = [];
  const parts = { clock: time, timers: time, callsMax };
  const open = new OpenCalls<Call>({ ...parts, over: ({ name }, reason) => over.push(`${name}: ${String(reason)}`) });
  return { time, open, over };
}

function callOf(name: string, endMillis: number, signal?: AbortSignal): Call {
  return { name, endMillis, signal };
}

const LATE = "AshlarError: The call was not answered within its time.";

describe("open calls", () => {
  test("end when their time is over, whichever came first, and with one timer", async () => {
    const { time, open, over } = openCalls();
    const done = callOf("done", 50);
    for (const call of [callOf("long", 300), callOf("short", 100), done, callOf("middle", 200)]) open.add(call);
    assert.equal(open.delete(done), true);
    assert.equal(time.timers, 1);
    await time.advance(100);
    assert.deepEqual(over, [`short: ${LATE}`]);
    await time.advance(200);
    assert.deepEqual(over.slice(1), [`middle: ${LATE}`, `long: ${LATE}`]);
    assert.equal(time.timers, 0);
    assert.equal(open.delete(done), false);
  });

  test("that end one shortly after the other may be told together", async () => {
    const { time, open, over } = openCalls();
    for (const endMillis of [100, 101, 109, 111]) open.add(callOf(String(endMillis), endMillis));
    await time.advance(109);
    assert.equal(over.length, 1);
    await time.advance(1);
    assert.equal(over.length, 3);
    await time.advance(10);
    assert.equal(over.length, 4);
  });

  test("end with their signal, which is listened to once for all of them", () => {
    const { open, over } = openCalls();
    const leave = new AbortController();
    let listeners = 0;
    const { signal } = leave;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    const done = callOf("done", 100, signal);
    for (const call of [callOf("a", 100, signal), done, callOf("other", 100), callOf("b", 100, signal)]) open.add(call);
    open.delete(done);
    leave.abort(new RangeError("enough"));
    assert.deepEqual(over, ["a: RangeError: enough", "b: RangeError: enough"]);
    assert.equal(listeners, 1);
    assert.throws(() => open.add(callOf("late", 100, signal)), RangeError);
  });

  test("are refused where there are too many, until one of them is over", () => {
    const { time, open } = openCalls(2);
    const first = callOf("first", 100);
    open.add(first);
    open.add(callOf("second", 100));
    assert.throws(() => open.add(callOf("third", 100)), { code: "OVERLOADED", data: { waitingMax: 2 } });
    open.delete(first);
    open.add(callOf("third", 100));
    assert.equal(time.timers, 1);
  });
});
