import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Index } from "../env/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { encodeAddress } from "./key-codec.ts";
import { STATE_KEY } from "./machine/keys.ts";
import { StoreMachine } from "./machine.ts";
import { encodeRow } from "./row-codec.ts";
import { damageRow, indexOf, newIndex, ObservedIndex } from "./testing/indexes.ts";
import { absent, at, commit, grant, MachineDriver, put, revision } from "./testing/machine-driver.ts";

function readText({ machine }: MachineDriver, name: string): string | undefined {
  const row = machine.row(encodeAddress(at(name)));
  return row && text(row.value);
}

describe("a commit in the machine", () => {
  test("puts rows under its revision, which steps by one a commit", async () => {
    const driver = new MachineDriver(await newIndex());
    assert.deepEqual(driver.run(commit({ puts: [put("a"), put("b")] })), { kind: "committed", revision: 1 });
    assert.deepEqual(driver.run(commit({ puts: [put("a", "again")] })), { kind: "committed", revision: 2 });
    assert.equal(driver.machine.row(encodeAddress(at("a")))?.revision, 2);
    assert.equal(driver.machine.row(encodeAddress(at("b")))?.revision, 1);
    assert.equal(readText(driver, "a"), "again");
  });

  test("whose checks do not all hold changes nothing and says which failed", async () => {
    const driver = new MachineDriver(await newIndex());
    driver.run(commit({ puts: [put("a")] }));
    const before = driver.machine.revision;
    const conflict = commit({
      checks: [revision("a", 1), absent("a"), revision("b", 1), absent("b"), revision("a", 2)],
      puts: [put("a", "no")],
      deletes: [at("b")],
    });
    assert.deepEqual(driver.run(conflict), { kind: "conflict", failedChecks: [1, 2, 4], revision: before });
    assert.equal(readText(driver, "a"), "a");
    assert.equal(driver.machine.revision, before);
    assert.equal(driver.events.length, 1);
  });

  test("sees what the commands before it in the same entry and the same call did", async () => {
    const driver = new MachineDriver(await newIndex());
    const results = driver.machine.apply([
      {
        index: 1,
        term: 1,
        commands: [
          commit({ checks: [absent("a")], puts: [put("a")] }),
          commit({ checks: [absent("a")], puts: [put("a", "lost")] }),
          commit({ checks: [revision("a", 1)], deletes: [at("a")] }),
        ],
      },
      { index: 2, term: 1, commands: [] },
      { index: 3, term: 2, commands: [commit({ checks: [absent("a")], puts: [put("a", "new")] })] },
    ]);
    assert.deepEqual(
      results.map((answers) => answers.map(({ kind }) => kind)),
      [["committed", "conflict", "committed"], [], ["committed"]],
    );
    assert.equal(readText(driver, "a"), "new");
    assert.equal(driver.machine.revision, 3);
  });

  test("never reuses a revision after a deletion", async () => {
    const driver = new MachineDriver(await newIndex());
    driver.run(commit({ puts: [put("a")] }));
    driver.run(commit({ deletes: [at("a")] }));
    driver.run(commit({ puts: [put("a")] }));
    assert.equal(driver.machine.row(encodeAddress(at("a")))?.revision, 3);
  });

  test("tells its changes in the order of its writes, without deletions of what was absent", async () => {
    const driver = new MachineDriver(await newIndex());
    driver.run(commit({ puts: [put("a"), put("b")] }));
    driver.run(commit({ puts: [put("c")], deletes: [at("b"), at("never there")] }));
    driver.run(commit({ deletes: [at("never there")] }));
    driver.run(commit({}));
    assert.deepEqual(driver.events, [
      {
        revision: 1,
        changes: [
          { key: encodeAddress(at("a")), value: utf8("a") },
          { key: encodeAddress(at("b")), value: utf8("b") },
        ],
      },
      {
        revision: 2,
        changes: [
          { key: encodeAddress(at("c")), value: utf8("c") },
          { key: encodeAddress(at("b")), value: undefined },
        ],
      },
    ]);
    assert.equal(driver.machine.revision, 4);
  });
});

describe("the machine over its Index", () => {
  test("writes one batch a call, with the applied index in it", async () => {
    const index = new ObservedIndex(await newIndex());
    const driver = new MachineDriver(index);
    driver.apply(commit({ puts: [put("a")] }), grant(), commit({ puts: [put("b")] }));
    assert.equal(index.writes, 1);
    const again = new StoreMachine({ index, group: 1 });
    assert.deepEqual(again.state, driver.machine.state);
    assert.equal(again.appliedIndex, 1);
    assert.equal(again.revision, 2);
    assert.deepEqual(again.apply([]), []);
    assert.equal(index.writes, 1);
  });

  test("stays as it was where the Index refuses the batch", async () => {
    const index = new ObservedIndex(await newIndex());
    const driver = new MachineDriver(index);
    driver.run(commit({ puts: [put("a")] }));
    const before = driver.machine.state;
    index.refusesWrites = true;
    assert.throws(() => driver.run(commit({ puts: [put("b")] })), RangeError);
    assert.deepEqual(driver.machine.state, before);
    assert.equal(driver.events.length, 1);
    index.refusesWrites = false;
    driver.run(commit({ puts: [put("b")] }));
    assert.equal(driver.machine.revision, 2);
  });

  test("never serves a damaged row and never judges by it", async () => {
    const index = await newIndex();
    const driver = new MachineDriver(index);
    driver.run(commit({ puts: [put("a"), put("b")] }));
    const key = encodeAddress(at("a"));
    damageRow(index, key);
    const isDamage = (error: unknown) => hasCode(error, "ROW_DAMAGED");
    assert.throws(() => driver.machine.row(key), isDamage);
    const before = driver.machine.state;
    for (const touching of [{ checks: [revision("a", 1)] }, { puts: [put("a")] }, { deletes: [at("a")] }]) {
      assert.throws(() => driver.apply(commit({ puts: [put("b", "lost")] }), commit(touching)), isDamage);
    }
    assert.deepEqual(driver.machine.state, before);
    assert.equal(readText(driver, "b"), "b");
  });

  test("does not take up an Index that holds rows without their state, or a damaged or a newer one", async () => {
    const open = (index: Index) => () => new StoreMachine({ index, group: 1 });
    const key = encodeAddress(at("a"));
    const partial = await indexOf([{ key, value: encodeRow(key, { revision: 1, lease: 0, value: utf8("a") }) }]);
    assert.throws(open(partial), (error) => hasCode(error, "ROW_DAMAGED"));

    const damaged = await newIndex();
    new MachineDriver(damaged).run(commit({ puts: [put("a")] }));
    damageRow(damaged, STATE_KEY);
    assert.throws(open(damaged), (error) => hasCode(error, "ROW_DAMAGED"));

    const value = encodeRow(STATE_KEY, { revision: 1, lease: 0, value: Uint8Array.of(2, 1) });
    const newer = await indexOf([{ key: STATE_KEY, value }]);
    assert.throws(open(newer), (error) => hasCode(error, "FORMAT_NEWER"));
  });

  test("insists on entries in order, each once, and on its own group", async () => {
    const index = await newIndex();
    const { machine } = new MachineDriver(index);
    const entry = (number: number, term: number) => ({ index: number, term, commands: [] });
    machine.apply([entry(1, 2)]);
    assert.throws(() => machine.apply([entry(1, 2)]), /in order/);
    assert.throws(() => machine.apply([entry(3, 2)]), /in order/);
    assert.throws(() => machine.apply([entry(2, 1)]), /terms never go back/);
    assert.throws(() => new StoreMachine({ index, group: 2 }), /one group/);
  });
});
