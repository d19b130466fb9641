import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeCommand } from "../command.ts";
import { encodeAddress, encodeKeyBound } from "../key-codec.ts";
import { newIndex } from "../testing/indexes.ts";
import { at, commit, end, MachineDriver, put } from "../testing/machine-driver.ts";
import { LENT_GROUPS_MAX, type LentLeaseCommand } from "./lent-leases.ts";
import { KEYS_FROM } from "./range-state.ts";

const UNKNOWN = { kind: "refused", code: "LEASE_UNKNOWN" };

function run(driver: MachineDriver, command: LentLeaseCommand) {
  return driver.run(encodeCommand(command));
}

const lend = (lease: number, group: number, isEnding = false) => ({ kind: "lend", lease, group, isEnding }) as const;
const adopt = (lease: number, known: number) => ({ kind: "adopt", lease, known }) as const;

/** Group 2 with all keys. */
async function otherGroup(): Promise<MachineDriver> {
  const driver = new MachineDriver(await newIndex(), 2);
  const name = { transfer: 1, attempt: 1 };
  const interval = { from: KEYS_FROM, to: encodeKeyBound(at("zz").key) };
  driver.run(encodeCommand({ kind: "range", step: { kind: "import-begin", ...name, ...interval, source: 1 } }));
  driver.run(encodeCommand({ kind: "range", step: { kind: "import-finish", ...name, pieces: 0, revision: 10 } }));
  return driver;
}

describe("a lease at home", () => {
  test("is lent while it lives, and forgotten when every group that has it has ended it", async () => {
    const driver = new MachineDriver(await newIndex());
    const lease = driver.lease();
    driver.run(commit({ puts: [put("a")], lease }));
    for (const group of [7, 2, 7]) assert.equal(run(driver, lend(lease, group)).kind, "lent");
    assert.deepEqual(run(driver, lend(lease + 1, 2)), UNKNOWN);
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: false, lentTo: [2, 7] });
    assert.equal(driver.machine.row(encodeAddress(at("a"))), undefined);
    assert.deepEqual(run(driver, lend(lease, 3)), UNKNOWN, "it is over");
    assert.equal(run(driver, lend(lease, 3, true)).kind, "lent", "but rows of it may go to another group");
    driver.reopen();
    run(driver, { kind: "give-back", lease, groups: [2, 7] });
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: false, lentTo: [3] });
    run(driver, { kind: "give-back", lease, groups: [3] });
    assert.deepEqual(driver.run(end(lease)), { kind: "ended", done: true });
    assert.equal(driver.machine.lease(lease), undefined);
    assert.deepEqual(
      driver.leases.map(({ kind }) => kind),
      ["granted", "over"],
    );
  });

  test("names a limited number of groups at a time", async () => {
    const driver = new MachineDriver(await newIndex());
    const lease = driver.lease();
    for (let group = 2; group < LENT_GROUPS_MAX + 4; group++) run(driver, lend(lease, group));
    const first = driver.run(end(lease));
    assert.ok(first.kind === "ended" && first.lentTo?.length === LENT_GROUPS_MAX);
    run(driver, { kind: "give-back", lease, groups: first.lentTo });
    const second = driver.run(end(lease));
    assert.ok(second.kind === "ended" && second.lentTo?.length === 2 && !second.done);
  });
});

describe("a lease in another group", () => {
  test("takes rows once it is adopted, and ends with them", async () => {
    const driver = await otherGroup();
    assert.deepEqual(driver.run(commit({ puts: [put("a")], lease: 5 })), UNKNOWN);
    assert.equal(run(driver, adopt(5, 0)).kind, "lent");
    assert.equal(run(driver, adopt(5, 0)).kind, "lent", "again");
    assert.equal(driver.run(commit({ puts: [put("a")], lease: 5 })).kind, "committed");
    assert.deepEqual(driver.run(end(5)), { kind: "ended", done: true });
    assert.equal(driver.machine.row(encodeAddress(at("a"))), undefined);
    assert.deepEqual(driver.leases, [], "nobody times it here");
  });

  test("does not come back behind its end, however late its adoption is", async () => {
    const driver = await otherGroup();
    const known = driver.machine.revision;
    assert.deepEqual(driver.run(end(5)), { kind: "ended", done: true }, "it was lent, and never adopted");
    assert.deepEqual(run(driver, adopt(5, known)), UNKNOWN);
    assert.deepEqual(driver.run(commit({ puts: [put("a")], lease: 5 })), UNKNOWN);
    run(driver, { kind: "bury", leases: [5, 6] });
    driver.reopen();
    assert.equal(driver.machine.lease(5), undefined);
    assert.deepEqual(run(driver, adopt(5, known)), { kind: "late", revision: driver.machine.revision });
    assert.equal(run(driver, adopt(6, driver.machine.revision)).kind, "lent", "another that home has lent since");
  });

  test("that is live is not buried", async () => {
    const driver = await otherGroup();
    run(driver, adopt(5, 0));
    run(driver, { kind: "bury", leases: [5] });
    assert.equal(driver.run(commit({ puts: [put("a")], lease: 5 })).kind, "committed");
  });

  test("ends once more where its rows come behind its end", async () => {
    const driver = await otherGroup();
    driver.run(end(5));
    const name = { transfer: 2, attempt: 1 };
    const interval = { from: encodeKeyBound(at("zz").key), to: new Uint8Array(0) };
    driver.run(encodeCommand({ kind: "range", step: { kind: "import-begin", ...name, ...interval, source: 1 } }));
    const row = { key: encodeAddress(at("zzz")), revision: 3, lease: 5, value: new Uint8Array(1) };
    driver.run(encodeCommand({ kind: "range", step: { kind: "import-rows", ...name, piece: 0, rows: [row] } }));
    driver.run(encodeCommand({ kind: "range", step: { kind: "import-finish", ...name, pieces: 1, revision: 20 } }));
    assert.ok(driver.machine.row(row.key));
    assert.deepEqual(run(driver, adopt(5, driver.machine.revision)), UNKNOWN);
    assert.deepEqual(driver.run(end(5)), { kind: "ended", done: true });
    assert.equal(driver.machine.row(row.key), undefined);
    assert.equal(driver.events.at(-1)?.changes[0]?.value, undefined);
  });
});
