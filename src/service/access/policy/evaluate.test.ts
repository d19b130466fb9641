// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ALICE, asked, policyOf } from "../testing/policies.ts";
import { evaluate, explain, type PolicySet } from "./evaluate.ts";
import type { Policy } from "./policy.ts";

const GET = { Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" };
const ALLOW = { Effect: "Allow", ...GET };
const DENY = { Effect: "Deny", ...GET };
const OTHER = { Effect: "Allow", Action: "s3:PutObject", Resource: "*" };

function identity(...policies: readonly Policy[]): PolicySet {
  return { identity: policies, sessions: [] };
}

function bucket(statement: object): Policy {
  return policyOf({ Principal: "*", ...statement }, "bucket");
}

describe("the three rules", () => {
  test("without any Allow a request is denied implicitly, by no statement", () => {
    assert.deepEqual(evaluate(identity(), asked()), { decision: "implicit-deny" });
    assert.deepEqual(evaluate(identity(policyOf(OTHER)), asked()), { decision: "implicit-deny" });
  });

  test("an Allow in a user's policy or in the bucket's is enough, and is named", () => {
    const byUser = evaluate(identity(policyOf([OTHER, { ...ALLOW, Sid: "Get" }])), asked());
    assert.deepEqual(byUser, {
      decision: "allow",
      statement: { source: "identity", policy: "test", index: 1, sid: "Get" },
    });
    const byBucket = evaluate({ identity: [], sessions: [], bucket: bucket(ALLOW) }, asked());
    assert.equal(byBucket.statement?.source, "bucket");
    assert.equal(byBucket.decision, "allow");
  });

  test("a Deny in any policy wins over every Allow", () => {
    const allow = policyOf(ALLOW);
    const sets: readonly PolicySet[] = [
      identity(allow, policyOf(DENY)),
      identity(policyOf([ALLOW, DENY])),
      { identity: [allow], sessions: [], bucket: bucket(DENY) },
      { identity: [allow], sessions: [policyOf([ALLOW, DENY], "session")] },
      { identity: [policyOf(DENY)], sessions: [], bucket: bucket(ALLOW) },
    ];
    for (const set of sets) assert.equal(evaluate(set, asked()).decision, "deny");
  });

  test("every session policy has to allow what the user's or the bucket's policy grants", () => {
    const yes = policyOf(ALLOW, "session");
    const no = policyOf(OTHER, "session");
    const granted = { identity: [policyOf(ALLOW)], bucket: undefined };
    assert.equal(evaluate({ ...granted, sessions: [yes] }, asked()).decision, "allow");
    assert.equal(evaluate({ ...granted, sessions: [no] }, asked()).decision, "implicit-deny");
    assert.equal(evaluate({ ...granted, sessions: [yes, no] }, asked()).decision, "implicit-deny");
    assert.equal(evaluate({ identity: [], sessions: [no], bucket: bucket(ALLOW) }, asked()).decision, "implicit-deny");
    assert.equal(evaluate({ identity: [], sessions: [yes] }, asked()).decision, "implicit-deny");
  });

  test("root may do everything that its session policy allows, whatever other policies say", () => {
    const principal = { type: "root" } as const;
    const set = { identity: [policyOf(DENY)], sessions: [], bucket: bucket(DENY) };
    assert.deepEqual(evaluate(set, asked({ principal })), { decision: "allow" });
    const narrowed = (statement: object): string =>
      evaluate({ ...set, sessions: [policyOf(statement, "session")] }, asked({ principal })).decision;
    assert.equal(narrowed(ALLOW), "allow");
    assert.equal(narrowed(OTHER), "implicit-deny");
    assert.equal(narrowed(DENY), "deny");
  });
});

describe("principals", () => {
  const anonymous = { type: "anonymous" } as const;
  const bob = { type: "user", name: "bob", id: "ASHUBOB" } as const;
  const everyone = { ...ALLOW, Principal: "*" };
  const decide = (statement: object, principal: Parameters<typeof asked>[0] = {}): string =>
    evaluate({ identity: [], sessions: [], bucket: policyOf([everyone, statement], "bucket") }, asked(principal))
      .decision;
  const grants = (Principal: unknown, principal: Parameters<typeof asked>[0]): string =>
    evaluate({ identity: [], sessions: [], bucket: bucket({ ...ALLOW, Principal }) }, asked(principal)).decision;

  test("a star lets everyone in, a name only the user of that name", () => {
    for (const Principal of ["*", { AWS: "*" }]) {
      for (const principal of [anonymous, ALICE, bob]) assert.equal(grants(Principal, { principal }), "allow");
    }
    for (const Principal of [{ AWS: "alice" }, { AWS: ["carol", "arn:aws:iam:::user/alice"] }]) {
      assert.equal(grants(Principal, { principal: ALICE }), "allow");
      assert.equal(grants(Principal, { principal: bob }), "implicit-deny");
      assert.equal(grants(Principal, { principal: anonymous }), "implicit-deny");
    }
  });

  test("NotPrincipal with Deny spares those it names, and the anonymous are never named", () => {
    const deny = { ...DENY, NotPrincipal: { AWS: ["alice", "arn:aws:iam:::root"] } };
    assert.equal(decide(deny, { principal: ALICE }), "allow");
    assert.equal(decide(deny, { principal: bob }), "deny");
    assert.equal(decide(deny, { principal: anonymous }), "deny");
  });

  test("the account grants nothing by itself and denies every signed request", () => {
    const account = { AWS: "arn:aws:iam:::root" };
    assert.equal(grants(account, { principal: ALICE }), "implicit-deny");
    assert.equal(decide({ ...DENY, Principal: account }, { principal: ALICE }), "deny");
    assert.equal(decide({ ...DENY, Principal: account }, { principal: anonymous }), "allow");
  });
});

describe("actions and resources", () => {
  const decide = (statement: object, request: Parameters<typeof asked>[0]): string =>
    evaluate(identity(policyOf({ Effect: "Allow", Action: "*", Resource: "*", ...statement })), asked(request))
      .decision;

  test("NotAction covers all others, also those of the other service", () => {
    const statement = { Action: undefined, NotAction: ["s3:Delete*", "ashlar:*"] };
    assert.equal(decide(statement, { action: "s3:GetObject" }), "allow");
    assert.equal(decide(statement, { action: "s3:DeleteObject" }), "implicit-deny");
    assert.equal(decide(statement, { action: "ashlar:GetStatus" }), "implicit-deny");
    assert.equal(decide({ Action: undefined, NotAction: "s3:*" }, { action: "ashlar:GetStatus" }), "allow");
  });

  test("a resource's name is compared with case, its wildcards reach over slashes and colons", () => {
    const on = (Resource: unknown, resource: string): boolean => decide({ Resource }, { resource }) === "allow";
    assert.ok(on("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b:c"));
    assert.ok(!on("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket"));
    assert.ok(!on("arn:aws:s3:::bucket", "arn:aws:s3:::bucket/a"));
    assert.ok(!on("arn:aws:s3:::Bucket/*", "arn:aws:s3:::bucket/a"));
    assert.ok(on("arn:aws:s3:::bucket*", "arn:aws:s3:::bucket/a"));
    assert.ok(on("arn:aws:s3:::bucket/a?c", "arn:aws:s3:::bucket/a😀c"));
    assert.ok(on("arn:*:s3:*:*:bucket/a:b", "arn:aws:s3:::bucket/a:b"));
    assert.ok(on(["arn:aws:s3:::x", "arn:aws:s3:::bucket"], "arn:aws:s3:::bucket"));
    assert.ok(on("arn:aws:s3:::*", "arn:aws:s3:::*"));
    assert.ok(!on("arn:aws:s3:::*", "arn:aws:ashlar:::cluster"));
  });

  test("NotResource covers what none of its patterns match", () => {
    const statement = { Resource: undefined, NotResource: ["arn:aws:s3:::a/*", "arn:aws:s3:::b/${aws:username}/*"] };
    assert.equal(decide(statement, { resource: "arn:aws:s3:::c/x" }), "allow");
    assert.equal(decide(statement, { resource: "arn:aws:s3:::a/x" }), "implicit-deny");
    assert.equal(decide(statement, { resource: "arn:aws:s3:::b/alice/x" }), "implicit-deny");
    assert.equal(decide(statement, { resource: "arn:aws:s3:::b/bob/x" }), "allow");
  });

  test("a variable without a value covers nothing, and in NotResource opens nothing", () => {
    const anonymous = asked({ principal: { type: "anonymous" }, resource: "arn:aws:s3:::c/x" });
    const statement = { Action: "*", NotResource: "arn:aws:s3:::b/${aws:username}/*" };
    const decide = (policy: Policy): string =>
      evaluate({ identity: [], sessions: [], bucket: policy }, anonymous).decision;
    assert.equal(decide(bucket({ Effect: "Allow", ...statement })), "implicit-deny");
    const everything = { Effect: "Allow", Principal: "*", Action: "*", Resource: "*" };
    assert.equal(decide(policyOf([everything, { Effect: "Deny", Principal: "*", ...statement }], "bucket")), "deny");
    assert.equal(
      decide(bucket({ Effect: "Allow", Action: "*", Resource: "arn:aws:s3:::c/${aws:username}" })),
      "implicit-deny",
    );
  });
});

test("an explanation tells for each statement which element does not fit", () => {
  const set: PolicySet = {
    identity: [policyOf([{ ...ALLOW, Sid: "A", Condition: { Bool: { "aws:SecureTransport": true } } }, OTHER])],
    bucket: policyOf(
      [
        { ...ALLOW, Principal: { AWS: "bob" } },
        { ...ALLOW, Principal: "*", Resource: "arn:aws:s3:::bucket/x" },
      ],
      "bucket",
    ),
    sessions: [policyOf(ALLOW, "session")],
  };
  assert.deepEqual(explain(set, asked({ context: { "aws:SecureTransport": "false" } })), {
    decision: "implicit-deny",
    policies: [
      {
        source: "identity",
        policy: "test",
        decision: "implicit-deny",
        statements: [
          { index: 0, sid: "A", effect: "Allow", applies: false, failed: "Bool aws:SecureTransport" },
          { index: 1, sid: undefined, effect: "Allow", applies: false, failed: "action" },
        ],
      },
      {
        source: "bucket",
        policy: "test",
        decision: "implicit-deny",
        statements: [
          { index: 0, sid: undefined, effect: "Allow", applies: false, failed: "principal" },
          { index: 1, sid: undefined, effect: "Allow", applies: false, failed: "resource" },
        ],
      },
      {
        source: "session",
        policy: "test",
        decision: "allow",
        statements: [{ index: 0, sid: undefined, effect: "Allow", applies: true }],
      },
    ],
  });
});
