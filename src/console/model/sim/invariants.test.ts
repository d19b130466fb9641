import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Entry, EntryType } from "../../../core/raft/index.ts";
import { utf8 } from "../../../std/bytes.ts";
import { Invariants } from "./invariants.ts";

const entry = (index: number, term: number, value = `${term}.${index}`): Entry => ({
  ...{ index, term, type: EntryType.normal, data: utf8(value) },
});
const log = (id: number, ...entries: readonly Entry[]) => ({ id, entries });
const knows = (): number => 1;

describe("the invariants", () => {
  test("hold for what a group does", () => {
    const watched = new Invariants();
    watched.elected(1, 1, 1, knows);
    watched.elected(1, 1, 1, knows);
    assert.equal(watched.applied(1, entry(1, 1), 1), true);
    assert.equal(watched.applied(2, entry(1, 1), 1), false);
    watched.elected(2, 2, 1, knows);
    watched.compare([log(1, entry(1, 1), entry(2, 1)), log(2, entry(1, 1), entry(2, 2)), log(3), log(4, entry(2, 2))]);
    assert.equal(watched.violation, undefined);
  });

  test("tell two leaders of one term", () => {
    const watched = new Invariants();
    watched.elected(1, 5, 1, knows);
    watched.elected(2, 5, 1, knows);
    assert.deepEqual(watched.violation, { name: "election safety", text: "Nodes 1 and 2 both lead term 5." });
  });

  test("tell a leader that lacks a committed entry, but not one that is elected late for an older term", () => {
    const late = new Invariants();
    late.applied(1, entry(3, 2), 6);
    late.elected(2, 5, 1, () => undefined);
    assert.equal(late.violation, undefined);
    const watched = new Invariants();
    watched.applied(1, entry(3, 2), 2);
    watched.elected(2, 3, 4, () => undefined);
    watched.elected(3, 4, 1, () => undefined);
    const text = "Node 3 leads term 4 without the committed entry 3.";
    assert.deepEqual(watched.violation, { name: "leader completeness", text }, "node 2 has it in its snapshot");
  });

  test("tell different entries at one index of two state machines", () => {
    for (const other of [entry(1, 2, "a"), entry(1, 1, "b")]) {
      const watched = new Invariants();
      watched.applied(1, entry(1, 1, "a"), 1);
      watched.applied(2, other, 2);
      assert.equal(watched.violation?.name, "state machine safety");
    }
  });

  test("tell logs that meet and differ below", () => {
    const watched = new Invariants();
    watched.compare([log(1, entry(1, 1), entry(2, 2)), log(2, entry(1, 1, "else"), entry(2, 2))]);
    assert.equal(watched.violation?.name, "log matching");
    watched.failed(new Error("later"));
    assert.equal(watched.violation?.name, "log matching", "the first one is kept");
  });

  test("tell an assertion that failed", () => {
    const watched = new Invariants();
    watched.failed(new Error("the core is broken"));
    assert.deepEqual(watched.violation, { name: "assertion", text: "the core is broken" });
  });
});
