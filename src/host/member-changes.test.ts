import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change, configurationOf } from "../core/raft/index.ts";
import { EMPTY } from "../std/bytes.ts";
import { MemberChanges } from "./member-changes.ts";

const CHANGE = { transition: "auto", changes: [change(ChangeType.addVoter, 4)] } as const;
const CONFIGURATION = configurationOf({ voters: [1, 2, 3, 4] });

describe("a change of membership", () => {
  test("is answered when it is applied, by its name; those of others and of other lives are passed over", async () => {
    const changes = new MemberChanges(5, 10);
    const [named, done] = changes.begin(CHANGE, 0);
    const [foreign, other] = new MemberChanges(6, 10).begin(CHANGE, 0);
    other.catch(() => {});
    for (const one of [foreign, { ...CHANGE, context: EMPTY }]) changes.applied(one, configurationOf({ voters: [9] }));
    changes.applied(named, CONFIGURATION);
    assert.deepEqual(await done, CONFIGURATION);
  });

  test("that nobody took was not made; one without an answer may have been", async () => {
    const changes = new MemberChanges(5, 10);
    const [, first] = changes.begin(CHANGE, 0);
    const [, second] = changes.begin(CHANGE, 0);
    changes.refused(new Error("There is no leader."));
    await assert.rejects(second, { code: "CHANGE_REFUSED", message: "There is no leader." });
    changes.expire(9, () => undefined);
    changes.expire(10, () => "Another change waits.");
    await assert.rejects(first, { code: "OUTCOME_UNKNOWN", message: "Another change waits." });
  });

  test("ends with its group", async () => {
    const changes = new MemberChanges(5, 10);
    const [, done] = changes.begin(CHANGE, 0);
    changes.stop();
    await assert.rejects(done, { code: "STOPPED" });
  });
});
