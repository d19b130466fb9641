import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change, configurationOf } from "../../core/raft/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { changeNameOf, MemberChanges } from "./member-changes.ts";

const CHANGE = { transition: "auto", changes: [change(ChangeType.addVoter, 4)] } as const;
const LIMITS = { waitingMax: 2, timeoutTicks: 10 };
const CONFIGURATION = configurationOf({ voters: [1, 2, 3, 4] });

describe("a change of membership", () => {
  test("is answered when it is applied, by its name; those of others and of other lives are passed over", async () => {
    const changes = new MemberChanges(5, LIMITS);
    const [named, done] = changes.begin(CHANGE, true, 0);
    const [foreign, other] = new MemberChanges(6, LIMITS).begin(CHANGE, true, 0);
    other.catch(() => {});
    for (const one of [foreign, { ...CHANGE, context: EMPTY }]) changes.applied(one, configurationOf({ voters: [9] }));
    changes.applied(named, CONFIGURATION);
    assert.deepEqual(await done, CONFIGURATION);
  });

  test("that nobody took was not made; one without an answer may have been", async () => {
    const changes = new MemberChanges(5, LIMITS);
    const [, first] = changes.begin(CHANGE, true, 0);
    const [, second] = changes.begin(CHANGE, true, 0);
    changes.refused(new Error("There is no leader."));
    await assert.rejects(second, { code: "CHANGE_REFUSED", message: "There is no leader." });
    changes.expire(9, () => undefined);
    changes.expire(10, () => "Another change waits.");
    await assert.rejects(first, { code: "OUTCOME_UNKNOWN", message: "Another change waits." });
  });

  test("is refused while as many wait as may, and taken again when one of them has its answer", async () => {
    const changes = new MemberChanges(5, LIMITS);
    const [first, done] = changes.begin(CHANGE, true, 0);
    const [, second] = changes.begin(CHANGE, true, 0);
    assert.throws(() => changes.begin(CHANGE, true, 0), { code: "OVERLOADED", data: { waiting: 2 } });
    changes.applied(first, CONFIGURATION);
    await done;
    const [third, last] = changes.begin(CHANGE, true, 0);
    changes.applied(third, CONFIGURATION);
    await last;
    changes.stop();
    await assert.rejects(second, { code: "STOPPED" });
  });

  test("that the leader finds unsafe ends with its sentence; of another life nothing is known", async () => {
    const changes = new MemberChanges(5, LIMITS);
    const [named, done] = changes.begin(CHANGE, true, 0);
    const name = changeNameOf(named)!;
    assert.deepEqual(name, { life: 5, number: 1, isStrict: true });
    changes.unsafe({ ...name, life: 6 }, "Not yours.");
    changes.unsafe(name, "No quorum would be left.");
    await assert.rejects(done, { code: "CHANGE_UNSAFE", message: "No quorum would be left." });
    changes.applied(named, CONFIGURATION);
  });

  test("says whether it may be refused; what is no name is nobody's", () => {
    const [forced] = new MemberChanges(5, LIMITS).begin(CHANGE, false, 0);
    assert.equal(changeNameOf(forced)?.isStrict, false);
    for (const context of [EMPTY, Uint8Array.of(0x80)]) assert.equal(changeNameOf({ ...CHANGE, context }), undefined);
  });

  test("ends with its group", async () => {
    const changes = new MemberChanges(5, LIMITS);
    const [, done] = changes.begin(CHANGE, false, 0);
    changes.stop();
    await assert.rejects(done, { code: "STOPPED" });
  });
});
