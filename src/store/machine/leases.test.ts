import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { encodeAddress } from "../key-codec.ts";
import { damageRow, newIndex } from "../testing/indexes.ts";
import { at, commit, end, expire, grant, MachineDriver, put, revision } from "../testing/machine-driver.ts";
import { leaseKey } from "./keys.ts";
import { END_ROWS_MAX } from "./leases.ts";

function exists({ machine }: MachineDriver, name: string): boolean {
  return machine.row(encodeAddress(at(name))) !== undefined;
}

describe("leases in the machine", () => {
  test("have ids that grow and are never reused", async () => {
    const driver = new MachineDriver(await newIndex());
    assert.deepEqual(driver.apply(grant(), grant()), [
      { kind: "granted", lease: 1 },
      { kind: "granted", lease: 2 },
    ]);
    driver.run(end(2));
    assert.deepEqual(driver.run(grant()), { kind: "granted", lease: 3 });
    assert.equal(driver.machine.revision, 0);
  });

  test("take their rows with them, in one commit that watchers see", async () => {
    const driver = new MachineDriver(await newIndex());
    const lease = driver.lease();
    driver.run(commit({ puts: [put("a"), put("b")], lease }));
    driver.run(commit({ puts: [put("c")] }));
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: true });
    assert.deepEqual([exists(driver, "a"), exists(driver, "b"), exists(driver, "c")], [false, false, true]);
    assert.equal(driver.machine.lease(lease), undefined);
    assert.deepEqual(driver.events.at(-1), {
      revision: 3,
      changes: [
        { key: encodeAddress(at("a")), value: undefined },
        { key: encodeAddress(at("b")), value: undefined },
      ],
    });
    assert.deepEqual(driver.run(end(lease)), { kind: "refused", code: "LEASE_UNKNOWN" });
  });

  test("expire in the term whose leader found them over, and live on under a later one", async () => {
    const driver = new MachineDriver(await newIndex());
    const [first, second] = [driver.lease(), driver.lease()];
    driver.run(commit({ puts: [put("a")], lease: first }));
    driver.run(commit({ puts: [put("b")], lease: second }));
    assert.deepEqual(driver.run(expire(first, 1)), { kind: "ended", done: true });
    driver.term = 2;
    assert.deepEqual(driver.run(expire(second, 1)), { kind: "lives-on" });
    assert.deepEqual([exists(driver, "a"), exists(driver, "b")], [false, true]);
    assert.deepEqual(driver.run(expire(first, 1)), { kind: "refused", code: "LEASE_UNKNOWN" });
    assert.deepEqual(driver.run(expire(second, 2)), { kind: "ended", done: true });
    assert.deepEqual(
      driver.leases.map((change) => [change.kind, change.lease]),
      [
        ["granted", first],
        ["granted", second],
        ["over", first],
        ["over", second],
      ],
    );
  });

  test("do not step the revision by ending without rows", async () => {
    const driver = new MachineDriver(await newIndex());
    const lease = driver.lease();
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: true });
    assert.equal(driver.machine.revision, 0);
    assert.equal(driver.events.length, 0);
  });

  test("let go of a row that is written again under another lease or none, or deleted", async () => {
    const driver = new MachineDriver(await newIndex());
    const [first, second] = [driver.lease(), driver.lease()];
    driver.run(commit({ puts: [put("kept"), put("moved"), put("deleted"), put("held")], lease: first }));
    driver.run(commit({ puts: [put("kept")] }));
    driver.run(commit({ puts: [put("moved")], lease: second }));
    driver.run(commit({ deletes: [at("deleted")] }));
    driver.run(commit({ puts: [put("deleted")] }));
    driver.run(commit({ puts: [put("held")], lease: first }));
    driver.run(end(first));
    assert.deepEqual(
      ["kept", "moved", "deleted", "held"].map((name) => exists(driver, name)),
      [true, true, true, false],
    );
    driver.run(end(second));
    assert.equal(exists(driver, "moved"), false);
    assert.equal(driver.machine.row(encodeAddress(at("kept")))?.lease, 0);
  });

  test("that do not exist or have ended take no row", async () => {
    const driver = new MachineDriver(await newIndex());
    const refused = { kind: "refused", code: "LEASE_UNKNOWN" };
    assert.deepEqual(driver.run(commit({ puts: [put("a")], lease: 1 })), refused);
    const lease = driver.lease();
    const [, commitBehind] = driver.apply(end(lease), commit({ puts: [put("a")], lease }));
    assert.deepEqual(commitBehind, refused);
    assert.equal(exists(driver, "a"), false);
    assert.equal(driver.machine.revision, 0);
  });

  test("that hold many rows end in bounded steps, and take no row between them", async () => {
    const driver = new MachineDriver(await newIndex());
    const lease = driver.lease();
    const names = Array.from({ length: END_ROWS_MAX + 10 }, (_, number) => `row ${number}`);
    for (let from = 0; from < names.length; from += 100) {
      driver.run(commit({ puts: names.slice(from, from + 100).map((name) => put(name)), lease }));
    }
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: false });
    assert.equal(names.filter((name) => exists(driver, name)).length, 10);
    assert.equal(driver.machine.lease(lease)?.ending, true);
    assert.equal(driver.run(commit({ puts: [put("late")], lease })).kind, "refused");
    assert.equal(driver.run(commit({ request: { session: lease, sequence: 1 } })).kind, "refused");
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: true });
    assert.equal(names.filter((name) => exists(driver, name)).length, 0);
    assert.deepEqual([...driver.machine.leases()], []);
  });

  test("end in as many steps within one call as over several", async () => {
    const driver = new MachineDriver(await newIndex());
    const lease = driver.lease();
    const rows = (from: number) => Array.from({ length: 100 }, (_, number) => put(`row ${from + number}`));
    const results = driver.apply(
      commit({ puts: rows(0), lease }),
      commit({ puts: rows(100), lease }),
      commit({ puts: rows(200), lease }),
      end(lease),
      commit({ checks: [revision("row 99", 3)] }),
      end(lease),
    );
    assert.deepEqual(
      results.slice(3).map((result) => result.kind === "ended" && result.done),
      [false, false, true],
    );
    assert.equal(driver.machine.scan({ limit: 10 }).length, 1, "only the state is left");
  });

  test("are listed with their ttl, the ending ones too", async () => {
    const driver = new MachineDriver(await newIndex());
    driver.apply(...Array.from({ length: 600 }, (_, number) => grant(1000 + number)));
    const leases = [...driver.machine.leases()];
    assert.equal(leases.length, 600);
    assert.deepEqual(leases[599], { lease: 600, ttlMillis: 1599, ending: false, acknowledged: 0 });
  });

  test("whose row is damaged are not judged by it", async () => {
    const index = await newIndex();
    const driver = new MachineDriver(index);
    const lease = driver.lease();
    damageRow(index, leaseKey(lease));
    assert.throws(
      () => driver.run(commit({ puts: [put("a")], lease })),
      (error) => hasCode(error, "ROW_DAMAGED"),
    );
  });
});
