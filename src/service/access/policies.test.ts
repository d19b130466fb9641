import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { CANNED_POLICIES } from "./canned-policies.ts";
import type { AccessErrorCode } from "./errors.ts";
import type { Action } from "./policy/actions.ts";
import { evaluate } from "./policy/evaluate.ts";
import { startAccess } from "./testing/access.ts";
import { asked } from "./testing/policies.ts";

function fails(promise: Promise<unknown>, code: AccessErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => hasCode(error, code));
}

const READ = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } });
const WRITE = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:PutObject", Resource: "*" } });

describe("named policies", () => {
  test("are put, read as they were sent, replaced and deleted", async () => {
    await using node = await startAccess();
    const { policies } = node.access;
    await policies.put("own", { document: READ });
    const first = await policies.get("own");
    assert.equal(first.document, READ);
    node.env.nowMillis += 5000;
    await policies.put("own", { document: WRITE, ifRevision: first.revision });
    const second = await policies.get("own");
    assert.equal(second.document, WRITE);
    assert.equal(second.createdMillis, first.createdMillis);
    assert.equal(second.updatedMillis, first.updatedMillis! + 5000);
    await policies.delete("own");
    await fails(policies.get("own"), "POLICY_MISSING");
  });

  test("what can not be done is refused and changes nothing", async () => {
    await using node = await startAccess();
    const { policies } = node.access;
    await fails(policies.put("own", { document: READ, ifRevision: 1 }), "POLICY_MISSING");
    await policies.put("own", { document: READ, create: true });
    const { revision } = await policies.get("own");
    await fails(policies.put("own", { document: WRITE, create: true }), "POLICY_EXISTS");
    await fails(policies.put("own", { document: WRITE, ifRevision: revision + 1 }), "REVISION_CHANGED");
    await fails(policies.put("own", { document: "{}" }), "POLICY_MALFORMED");
    await fails(policies.put("a b", { document: READ }), "NAME_INVALID");
    await fails(policies.put("readonly", { document: READ }), "POLICY_BUILT_IN");
    await fails(policies.delete("readonly"), "POLICY_BUILT_IN");
    await fails(policies.delete("other"), "POLICY_MISSING");
    assert.deepEqual([(await policies.get("own")).document, (await policies.get("own")).revision], [READ, revision]);
  });

  test("lists hold canned and stored ones in one order, page by page", async () => {
    await using node = await startAccess();
    const { policies, users } = node.access;
    const own = ["aaa", "console", "d", "readonly2", "s", "zzz"];
    for (const name of own) await policies.put(name, { document: READ });
    await users.create("alice", { policies: own });
    const names = [...own, ...CANNED_POLICIES.keys()].sort();
    for (const limit of [1, 2, 3, 5, 11, 12, 13, 1000]) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await policies.list({ limit, after });
        assert.ok(page.policies.length <= limit);
        seen.push(...page.policies.map(({ name }) => name));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, names, `pages of ${limit}`);
    }
    await fails(policies.list({ limit: 0 }), "PAGE_INVALID");
  });
});

describe("canned policies", () => {
  const allows = (name: string, action: Action, resource: string): boolean => {
    const { policy } = CANNED_POLICIES.get(name)!;
    return evaluate({ identity: [policy], sessions: [] }, asked({ action, resource })).decision === "allow";
  };
  const OBJECT = "arn:aws:s3:::bucket/key";
  const BUCKET = "arn:aws:s3:::bucket";

  test("reach as far as MinIO's of the same name", () => {
    const cases: readonly (readonly [string, Action, string, boolean])[] = [
      ["readonly", "s3:GetObject", OBJECT, true],
      ["readonly", "s3:GetBucketLocation", BUCKET, true],
      ["readonly", "s3:ListBucket", BUCKET, false],
      ["readonly", "s3:PutObject", OBJECT, false],
      ["writeonly", "s3:PutObject", OBJECT, true],
      ["writeonly", "s3:GetObject", OBJECT, false],
      ["readwrite", "s3:DeleteObject", OBJECT, true],
      ["readwrite", "s3:ListAllMyBuckets", "arn:aws:s3:::*", true],
      ["readwrite", "ashlar:GetStatus", "arn:aws:ashlar:::cluster", false],
      ["consolereadonly", "s3:ListBucket", BUCKET, true],
      ["consolereadonly", "s3:PutObject", OBJECT, false],
      ["diagnostics", "ashlar:GetMetrics", "arn:aws:ashlar:::cluster", true],
      ["diagnostics", "ashlar:ListUsers", "arn:aws:ashlar:::user/*", false],
      ["diagnostics", "s3:GetObject", OBJECT, false],
      ["consoleAdmin", "ashlar:DeleteUser", "arn:aws:ashlar:::user/alice", true],
      ["consoleAdmin", "s3:DeleteBucket", BUCKET, true],
    ];
    for (const [name, action, resource, expected] of cases) {
      assert.equal(allows(name, action, resource), expected, `${name} ${action}`);
    }
  });
});
