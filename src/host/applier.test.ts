import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPLY_THREAD, type Entry, EntryType, MessageType, newMessage } from "../core/raft/index.ts";
import { utf8 } from "../std/bytes.ts";
import { Applier } from "./applier.ts";
import { encodeBatch } from "./requests/entry.ts";
import { Recorder } from "./testing/recorder.ts";

const entry = (index: number): Entry => {
  const data = encodeBatch({ life: 1, sequence: index }, [utf8(`c${index}`)]);
  return { index, term: 1, type: EntryType.normal, data };
};
const change = (index: number): Entry => ({ index, term: 1, type: EntryType.confChangeV2, data: utf8("x") });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function fixture(changeMembers: (entry: Entry) => Promise<void> = async () => {}) {
  const machine = new Recorder();
  const answered: string[] = [];
  const done: number[] = [];
  const failures: Error[] = [];
  let wakes = 0;
  const applier = new Applier({
    machine,
    change: changeMembers,
    applied: ({ sequence }, results) => answered.push(`${sequence}:${results}`),
    done: (responses) => done.push(...responses.map(({ index }) => index)),
    wake: () => wakes++,
    fail: (error) => failures.push(error),
  });
  const add = (...entries: Entry[]): void => {
    const response = newMessage(MessageType.storageApplyResponse, 1);
    response.index = entries.at(-1)!.index;
    applier.add({ ...newMessage(MessageType.storageApply, APPLY_THREAD), entries, responses: [response] });
  };
  return { machine, applier, add, answered, done, failures, wakes: () => wakes };
}

describe("what is committed", () => {
  test("is fed in one call for all that waits, and each answer goes to its batch", () => {
    const { machine, applier, add, answered, done } = fixture();
    add(entry(1), entry(2));
    add(entry(3));
    applier.run();
    assert.equal(machine.applies, 1);
    assert.deepEqual(answered, ["1:0", "2:1", "3:2"]);
    assert.deepEqual(done, [2, 3]);
    assert.equal(applier.isWaiting, false);
  });

  test("is passed over as far as the machine holds it", () => {
    const { machine, applier, add, done } = fixture();
    machine.appliedIndex = 2;
    add(entry(1), entry(2), entry(3));
    applier.run();
    assert.deepEqual(machine.commands, ["c3"]);
    add(entry(2));
    applier.run();
    assert.deepEqual(done, [3, 2]);
  });

  test("is never fed with a gap", () => {
    const { applier, add } = fixture();
    add(entry(2));
    assert.throws(() => applier.run(), /without a gap/);
  });

  test("waits while the machine takes over another state", () => {
    const { machine, applier, add, wakes } = fixture();
    applier.hold();
    add(entry(1));
    applier.run();
    assert.equal(machine.appliedIndex, 0);
    machine.appliedIndex = 1;
    applier.release();
    assert.equal(wakes(), 1);
    applier.run();
    assert.deepEqual(machine.commands, []);
  });
});

describe("a change of membership", () => {
  test("is fed when it is durable, what stands before it at once, what follows it after it", async () => {
    let durable = (): void => {};
    const { machine, applier, add, done } = fixture(() => new Promise((resolve) => (durable = resolve)));
    add(entry(1), change(2), entry(3));
    add(entry(4));
    applier.run();
    assert.equal(machine.appliedIndex, 1);
    assert.deepEqual(done, []);
    applier.run();
    assert.equal(machine.appliedIndex, 1);
    durable();
    await settled();
    applier.run();
    assert.equal(machine.appliedIndex, 4);
    assert.deepEqual(done, [3, 4]);
  });

  test("is made once, also where another one stands behind it", async () => {
    const made: number[] = [];
    const { machine, applier, add } = fixture(async ({ index }) => void made.push(index));
    add(change(1), change(2), change(3));
    for (let turn = 0; turn < 5; turn++) {
      applier.run();
      await settled();
    }
    assert.deepEqual(made, [1, 2, 3]);
    assert.equal(machine.appliedIndex, 3);
  });

  test("that can not be stored ends the group", async () => {
    const { machine, applier, add, failures } = fixture(() => Promise.reject(new Error("the disk")));
    add(change(1));
    applier.run();
    await settled();
    assert.equal(failures.length, 1);
    applier.run();
    assert.equal(machine.appliedIndex, 0);
  });

  test("that a snapshot has overtaken is not fed", async () => {
    let durable = (): void => {};
    const { machine, applier, add } = fixture(() => new Promise((resolve) => (durable = resolve)));
    add(change(1), entry(2));
    applier.run();
    applier.hold();
    machine.appliedIndex = 9;
    durable();
    await settled();
    applier.release();
    applier.run();
    assert.deepEqual([machine.appliedIndex, machine.commands.length], [9, 0]);
  });
});
