import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { STORE_LIMITS } from "../store.ts";
import { allRows, newIndex } from "../testing/indexes.ts";
import { absent, commit, end, MachineDriver, put } from "../testing/machine-driver.ts";
import { END_ROWS_MAX } from "./leases.ts";

const WINDOW = { kind: "refused", code: "SESSION_WINDOW" };
const UNKNOWN = { kind: "refused", code: "SESSION_UNKNOWN" };

describe("sessions in the machine", () => {
  test("apply a request once and answer it again with the first result", async () => {
    const driver = new MachineDriver(await newIndex());
    const session = driver.lease();
    const request = commit({ puts: [put("a")], request: { session, sequence: 1 } });
    const [first, again] = driver.apply(request, request);
    assert.deepEqual(first, { kind: "committed", revision: 1 });
    assert.deepEqual(again, first);
    driver.run(commit({ puts: [put("a", "by another")] }));
    assert.deepEqual(driver.run(request), first);
    assert.equal(driver.machine.revision, 2);
    assert.equal(driver.events.length, 2);
  });

  test("answer a conflict again as a conflict, even where the checks would hold by now", async () => {
    const driver = new MachineDriver(await newIndex());
    const session = driver.lease();
    driver.run(commit({ puts: [put("a")] }));
    const checks = [absent("b"), absent("a")];
    const request = commit({ checks, puts: [put("b")], request: { session, sequence: 5 } });
    const conflict = { kind: "conflict", failedChecks: [1], revision: 1 };
    assert.deepEqual(driver.run(request), conflict);
    driver.run(commit({ deletes: [{ ...put("a") }] }));
    assert.deepEqual(driver.run(request), conflict);
  });

  test("take requests out of order within the window", async () => {
    const driver = new MachineDriver(await newIndex());
    const session = driver.lease();
    for (const sequence of [3, 1, 2]) {
      assert.equal(driver.run(commit({ puts: [put("a")], request: { session, sequence } })).kind, "committed");
    }
  });

  test("refuse a request that was acknowledged or is beyond the window, and change nothing by it", async () => {
    const driver = new MachineDriver(await newIndex());
    const session = driver.lease();
    const { sessionWindowMax } = STORE_LIMITS;
    const request = (sequence: number, acknowledged: number) =>
      driver.run(commit({ puts: [put("a")], request: { session, sequence, acknowledged } }));
    assert.deepEqual(request(sessionWindowMax + 1, 0), WINDOW);
    assert.equal(request(sessionWindowMax, 0).kind, "committed");
    assert.deepEqual(request(2, 2), WINDOW);
    assert.equal(request(sessionWindowMax + 1, 1).kind, "committed");
    assert.deepEqual(request(1, 0), WINDOW);
    assert.deepEqual(request(sessionWindowMax + 2, 0), WINDOW);
    assert.equal(driver.machine.revision, 2);
  });

  test("forget the results that are acknowledged, and only those", async () => {
    const index = await newIndex();
    const driver = new MachineDriver(index);
    const session = driver.lease();
    const request = (sequence: number, acknowledged?: number) =>
      driver.run(commit({ request: { session, sequence, ...(acknowledged && { acknowledged }) } }));
    for (const sequence of [1, 2, 3]) request(sequence);
    const results = () => allRows(index).filter(({ key }) => key[0] === 0 && key[1] === 3).length;
    assert.equal(results(), 3);
    request(4, 2);
    assert.equal(results(), 2);
    assert.deepEqual(request(3), { kind: "committed", revision: 3 });
    request(5, 1_000_000_000);
    assert.equal(results(), 2, "a request that acknowledges itself is refused");
    request(1_000_000_001, 1_000_000_000);
    assert.equal(results(), 1);
  });

  test("end with their lease, results and all", async () => {
    const index = await newIndex();
    const driver = new MachineDriver(index);
    const session = driver.lease();
    const request = (sequence: number) => commit({ request: { session, sequence } });
    driver.apply(...Array.from({ length: END_ROWS_MAX + 1 }, (_, at) => request(at + 1)));
    assert.deepEqual(driver.run(end(session)), { kind: "ended", done: false });
    assert.deepEqual(driver.run(request(1)), UNKNOWN);
    assert.deepEqual(driver.run(end(session)), { kind: "ended", done: true });
    assert.deepEqual(driver.run(request(1)), UNKNOWN);
    assert.equal(allRows(index).length, 1, "only the state is left");
  });

  test("that never were are refused", async () => {
    const driver = new MachineDriver(await newIndex());
    assert.deepEqual(driver.run(commit({ puts: [put("a")], request: { session: 9, sequence: 1 } })), UNKNOWN);
    assert.equal(driver.machine.revision, 0);
  });
});
