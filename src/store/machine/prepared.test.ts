import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { encodeCommand } from "../command.ts";
import { StoreMachine } from "../machine.ts";
import { dump, newIndex } from "../testing/indexes.ts";
import { absent, at, commit, end, MachineDriver, put, revision } from "../testing/machine-driver.ts";
import { abort, decide, finish, forget, prepare, row, transaction } from "../testing/transaction-commands.ts";
import { Batch } from "./batch.ts";
import { DECISIONS_MAX } from "./decisions.ts";
import { NO_TRANSACTION_BUGS } from "./prepared-bugs.ts";
import { HOLDERS_MAX, LOCKS_MAX } from "./prepared-locks.ts";

async function started(): Promise<MachineDriver> {
  return new MachineDriver(await newIndex());
}

function value({ machine }: MachineDriver, name: string): string | undefined {
  const stored = machine.row(row(name));
  return stored && text(stored.value);
}

function locked(number: number, home: string, name: string) {
  return { kind: "locked", transaction: transaction(number), home: row(home), row: row(name) };
}

const NOTHING_LEFT = { writeLocks: 0, checkLocks: 0, decisions: 0 };

describe("a prepare in the machine", () => {
  test("locks its rows, proposes the next revision and changes nothing that can be read", async () => {
    const driver = await started();
    driver.run(commit({ puts: [put("a", "old"), put("c")] }));
    const share = { checks: [revision("c", 1)], puts: [put("a", "new")], deletes: [at("b")] };
    assert.deepEqual(driver.run(prepare(1, "a", share)), { kind: "prepared", revision: 2 });
    assert.equal(value(driver, "a"), "old");
    assert.deepEqual(driver.machine.prepared, { writeLocks: 2, checkLocks: 1, decisions: 0 });
    assert.equal(driver.machine.revision, 2);
    assert.equal(driver.events.length, 1);
  });

  test("keeps commits from writing its rows, and from checking what it will write", async () => {
    const driver = await started();
    driver.run(prepare(1, "a", { checks: [absent("c")], puts: [put("a")] }));
    assert.deepEqual(driver.run(commit({ puts: [put("a")] })), locked(1, "a", "a"));
    assert.deepEqual(driver.run(commit({ deletes: [at("c")] })), locked(1, "a", "c"));
    assert.deepEqual(driver.run(commit({ checks: [absent("a")] })), locked(1, "a", "a"));
    assert.equal(driver.run(commit({ checks: [absent("c")], puts: [put("d")] })).kind, "committed");
    assert.deepEqual(driver.run(prepare(2, "e", { puts: [put("e"), put("c")] })), locked(1, "a", "c"));
    assert.equal(value(driver, "e"), undefined);
  });

  test("shares a row with others that have only checked it, and waits where they are too many", async () => {
    const driver = await started();
    for (let number = 1; number <= HOLDERS_MAX; number++) {
      const share = { checks: [absent("shared")], puts: [put(`row ${number}`)] };
      assert.equal(driver.run(prepare(number, `row ${number}`, share)).kind, "prepared");
    }
    const one = prepare(200, "z", { checks: [absent("shared")], puts: [put("z")] });
    assert.deepEqual(driver.run(one), locked(1, "row 1", "shared"));
    driver.run(finish(7, 0, ["row 7", "shared"]));
    assert.equal(driver.run(one).kind, "prepared");
    assert.equal(driver.machine.prepared.checkLocks, 1);
  });

  test("whose checks do not hold locks nothing", async () => {
    const driver = await started();
    driver.run(commit({ puts: [put("a")] }));
    const share = { checks: [absent("b"), absent("a")], puts: [put("b")] };
    assert.deepEqual(driver.run(prepare(1, "b", share)), { kind: "conflict", failedChecks: [1], revision: 1 });
    assert.deepEqual(driver.machine.prepared, NOTHING_LEFT);
  });

  test("is refused for a lease that is not alive, and where the group has too many locks", async () => {
    const driver = await started();
    const refused = (code: string) => ({ kind: "refused", code });
    assert.deepEqual(driver.run(prepare(1, "a", { puts: [put("a")], lease: 9 })), refused("LEASE_UNKNOWN"));
    const counts = { writeLocks: LOCKS_MAX - 1, checkLocks: 0, decisions: 0 };
    const batch = new Batch(await newIndex(), driver.machine.state, {
      ranges: undefined,
      prepared: counts,
      bugs: NO_TRANSACTION_BUGS,
    });
    assert.deepEqual(batch.apply(prepare(1, "a", { puts: [put("a"), put("b")] }), 1), refused("OVERLOADED"));
    assert.equal(batch.apply(prepare(1, "a", { puts: [put("a")] }), 1).kind, "prepared");
  });
});

describe("a decision in the machine", () => {
  test("is the commit itself at home, and carried out elsewhere by a finish, all at one revision", async () => {
    const [home, other] = [await started(), await started()];
    for (let count = 0; count < 8; count++) other.run(commit({ puts: [put("busy")] }));
    home.run(prepare(1, "a", { puts: [put("a", "new")] }, 0));
    assert.deepEqual(other.run(prepare(1, "a", { puts: [put("b", "new")], deletes: [at("busy")] })), {
      kind: "prepared",
      revision: 9,
    });
    const decision = { committed: true, revision: 9 };
    assert.deepEqual(home.run(decide(1, "a", 9, { keys: ["a"], others: ["b", "busy"] })), {
      kind: "decided",
      decision,
      revision: 9,
    });
    other.run(commit({ puts: [put("c")] }));
    assert.deepEqual(other.run(finish(1, 9, ["b", "busy"])), { kind: "finished" });
    assert.deepEqual([value(home, "a"), value(other, "b"), value(other, "busy")], ["new", "new", undefined]);
    assert.equal(home.machine.row(row("a"))?.revision, 9);
    assert.equal(other.machine.row(row("b"))?.revision, 9);
    assert.deepEqual(other.events.at(-1), {
      revision: 11,
      rowRevision: 9,
      changes: [
        { key: row("b"), value: utf8("new") },
        { key: row("busy"), value: undefined },
      ],
    });
    assert.equal(other.machine.revision, 11);
    assert.deepEqual(home.machine.prepared, { writeLocks: 0, checkLocks: 0, decisions: 1 });
    home.run(forget(1, "a"));
    for (const { machine } of [home, other]) assert.deepEqual(machine.prepared, NOTHING_LEFT);
  });

  test("that nobody else has to carry out is not kept", async () => {
    const driver = await started();
    driver.run(prepare(1, "a", { puts: [put("a")] }, 0));
    driver.run(decide(1, "a", 1, { keys: ["a"] }));
    assert.deepEqual(driver.machine.prepared, NOTHING_LEFT);
  });

  test("is made once: who comes second is told the first", async () => {
    const driver = await started();
    driver.run(prepare(1, "a", { puts: [put("a")] }, 0));
    driver.run(prepare(2, "b", { puts: [put("b")] }, 0));
    const committed = driver.run(decide(1, "a", 1, { keys: ["a"], others: ["z"] }));
    assert.deepEqual(driver.run(abort(1, "a")), committed);
    assert.deepEqual(driver.run(decide(1, "a", 77, { keys: ["a"], others: ["z"] })), committed);
    const aborted = driver.run(abort(2, "b"));
    assert.deepEqual(driver.run(decide(2, "b", 2, { keys: ["b"] })), aborted);
    assert.equal(value(driver, "b"), undefined);
    assert.equal(driver.run(commit({ puts: [put("b")] })).kind, "committed");
  });

  test("can not be made where home is not locked any more", async () => {
    const driver = await started();
    driver.run(prepare(1, "a", { puts: [put("a")] }, 0));
    driver.run(finish(1, 0, ["a"]));
    assert.deepEqual(driver.run(decide(1, "a", 1, { keys: ["a"] })), { kind: "gone" });
    assert.equal(value(driver, "a"), undefined);
  });

  test("for an abort keeps a prepare out that comes behind it, also when it is forgotten", async () => {
    const driver = await started();
    const late = prepare(1, "a", { puts: [put("a")] }, driver.machine.revision);
    const aborted = { kind: "decided", decision: { committed: false }, revision: 0 };
    assert.deepEqual(driver.run(abort(1, "a")), aborted);
    assert.deepEqual(driver.run(late), aborted);
    driver.run(forget(1, "a"));
    assert.deepEqual(driver.run(late), { kind: "late", revision: 1 });
    assert.equal(driver.run(prepare(2, "a", { puts: [put("a")] }, 1)).kind, "prepared");
  });

  test("is refused where the group keeps too many, and its rows are free again", async () => {
    const index = await newIndex();
    const driver = new MachineDriver(index);
    driver.run(prepare(1, "a", { puts: [put("a")] }, 0));
    const counts = { ...driver.machine.prepared, decisions: DECISIONS_MAX };
    const batch = new Batch(index, driver.machine.state, {
      ranges: undefined,
      prepared: counts,
      bugs: NO_TRANSACTION_BUGS,
    });
    const result = batch.apply(decide(1, "a", 1, { keys: ["a"], others: ["z"] }), 1);
    assert.deepEqual(result, { kind: "refused", code: "OVERLOADED" });
    assert.equal(batch.prepared.writeLocks, 0);
  });
});

describe("a request over several groups in the machine", () => {
  test("is applied once, by whichever transaction decides first", async () => {
    const driver = await started();
    const session = driver.lease();
    const request = { session, sequence: 1 };
    driver.run(prepare(1, "a", { checks: [absent("a")], request }, 0));
    driver.run(prepare(2, "a", { checks: [absent("a")], request }, 0));
    driver.run(decide(1, "a", 5, { keys: ["a"], request }));
    const first = { kind: "answered", outcome: { kind: "committed", revision: 5 } };
    assert.deepEqual(driver.run(decide(2, "a", 9, { keys: ["a"], request })), first);
    assert.deepEqual(driver.run(prepare(3, "a", { puts: [put("a")], request }, 0)), first);
    assert.deepEqual(driver.machine.prepared, NOTHING_LEFT);
  });

  test("that met a conflict is answered so again, unless it had been answered before", async () => {
    const driver = await started();
    const session = driver.lease();
    const conflict = (sequence: number) =>
      encodeCommand({
        ...{ kind: "finish", transaction: transaction(1), revision: 0, keys: [] },
        conflict: { request: { session, sequence, acknowledged: 0 }, failedChecks: [3] },
      });
    const outcome = { kind: "conflict", failedChecks: [3], revision: 0 };
    assert.deepEqual(driver.run(conflict(1)), { kind: "answered", outcome });
    assert.deepEqual(driver.run(commit({ puts: [put("a")], request: { session, sequence: 1 } })), outcome);
    driver.run(commit({ puts: [put("a")], request: { session, sequence: 2 } }));
    const first = { kind: "answered", outcome: { kind: "committed", revision: 1 } };
    assert.deepEqual(driver.run(conflict(2)), first);
  });

  test("is not decided once its session has ended", async () => {
    const driver = await started();
    const session = driver.lease();
    const request = { session, sequence: 1 };
    driver.run(prepare(1, "a", { puts: [put("a")], request }, 0));
    driver.run(end(session));
    const refused = { kind: "refused", code: "SESSION_UNKNOWN" };
    assert.deepEqual(driver.run(decide(1, "a", 1, { keys: ["a"], request })), refused);
    assert.deepEqual([value(driver, "a"), driver.machine.prepared], [undefined, NOTHING_LEFT]);
  });
});

describe("a lease's end in the machine", () => {
  test("leaves a row that a transaction has locked, and is repeated until that lets go", async () => {
    const driver = await started();
    const lease = driver.lease();
    driver.run(commit({ puts: [put("a"), put("b")], lease }));
    driver.run(prepare(1, "z", { checks: [revision("a", 1)] }));
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: false, locked: locked(1, "z", "a") });
    assert.deepEqual([value(driver, "a"), value(driver, "b")], ["a", undefined]);
    assert.deepEqual(driver.run(commit({ puts: [put("c")], lease })), { kind: "refused", code: "LEASE_UNKNOWN" });
    driver.run(finish(1, 9, ["a"]));
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: true });
    assert.equal(value(driver, "a"), undefined);
  });

  test("waits for the rows that a transaction is going to give it", async () => {
    const driver = await started();
    const lease = driver.lease();
    driver.run(prepare(1, "z", { puts: [put("a")], lease }));
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: false, locked: locked(1, "z", "a") });
    driver.run(finish(1, 9, ["a"]));
    assert.equal(value(driver, "a"), "a");
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: true });
    assert.equal(value(driver, "a"), undefined);
    assert.equal(driver.machine.lease(lease), undefined);
  });
});

describe("locks and decisions", () => {
  test("are counted at open and go with a snapshot", async () => {
    const index = await newIndex();
    const driver = new MachineDriver(index);
    driver.run(prepare(1, "a", { checks: [absent("c")], puts: [put("a"), put("b")] }, 0));
    driver.run(prepare(2, "d", { puts: [put("d")] }, 0));
    driver.run(decide(2, "d", 2, { keys: ["d"], others: ["z"] }));
    const counts = { writeLocks: 2, checkLocks: 1, decisions: 1 };
    assert.deepEqual(new StoreMachine({ index, group: 1 }).prepared, counts);
    const copy = await newIndex();
    const restored = new StoreMachine({ index: copy, group: 1 });
    const capture = driver.machine.capture();
    await restored.restore(capture.read(), driver.machine.appliedIndex);
    capture.close();
    assert.deepEqual(restored.prepared, counts);
    assert.deepEqual(dump(copy), dump(index));
  });
});
