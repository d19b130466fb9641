// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
// What AWS documents, case by case. Each test names the page: IAM = the IAM User Guide, S3 = the S3 User Guide.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ALICE, type Asked, asked, policyOf } from "../testing/policies.ts";
import { evaluate } from "./evaluate.ts";
import type { Policy } from "./policy.ts";

function byUser(policy: Policy, request: Asked): string {
  return evaluate({ identity: [policy], sessions: [] }, asked(request)).decision;
}

function byBucket(policy: Policy, request: Asked): string {
  return evaluate({ identity: [], sessions: [], bucket: policy }, asked(request)).decision;
}

const ANONYMOUS = { type: "anonymous" } as const;

describe("IAM, policy evaluation logic", () => {
  test("explicit and implicit denies: a Deny on one bucket beside an Allow on all", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: "s3:*", Resource: "*" },
      { Effect: "Deny", Action: "s3:*", Resource: ["arn:aws:s3:::payroll", "arn:aws:s3:::payroll/*"] },
    ]);
    assert.equal(byUser(policy, { resource: "arn:aws:s3:::reports/q1" }), "allow");
    assert.equal(byUser(policy, { resource: "arn:aws:s3:::payroll/q1" }), "deny");
    assert.equal(byUser(policy, { action: "ashlar:GetStatus", resource: "arn:aws:ashlar:::cluster" }), "implicit-deny");
  });

  test("session policies: what the session gets is what both allow", () => {
    const user = policyOf({ Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: "*" });
    const session = policyOf(
      { Effect: "Allow", Action: ["s3:GetObject", "s3:DeleteObject"], Resource: "*" },
      "session",
    );
    const decide = (action: "s3:GetObject" | "s3:PutObject" | "s3:DeleteObject"): string =>
      evaluate({ identity: [user], sessions: [session] }, asked({ action })).decision;
    assert.deepEqual(
      ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"].map((name) => decide(name as "s3:GetObject")),
      ["allow", "implicit-deny", "implicit-deny"],
    );
  });

  test("session policies: a grant to the user's name in a bucket policy is limited by the session policy", () => {
    const bucket = policyOf(
      { Effect: "Allow", Principal: { AWS: "alice" }, Action: "s3:*", Resource: "arn:aws:s3:::bucket/*" },
      "bucket",
    );
    const session = policyOf({ Effect: "Allow", Action: "s3:PutObject", Resource: "*" }, "session");
    assert.equal(evaluate({ identity: [], sessions: [session], bucket }, asked()).decision, "implicit-deny");
    const put = asked({ action: "s3:PutObject" });
    assert.equal(evaluate({ identity: [], sessions: [session], bucket }, put).decision, "allow");
  });
});

describe("IAM, condition operators", () => {
  test("StringLike: a home directory by a variable", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: ["s3:ListAllMyBuckets", "s3:GetBucketLocation"], Resource: "arn:aws:s3:::*" },
      {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::corp",
        Condition: { StringLike: { "s3:prefix": ["", "home/", "home/${aws:username}/"] } },
      },
      {
        Effect: "Allow",
        Action: "s3:*",
        Resource: ["arn:aws:s3:::corp/home/${aws:username}", "arn:aws:s3:::corp/home/${aws:username}/*"],
      },
    ]);
    const list = (prefix: string | undefined): string =>
      byUser(policy, { action: "s3:ListBucket", resource: "arn:aws:s3:::corp", context: { "s3:prefix": prefix } });
    assert.equal(byUser(policy, { action: "s3:ListAllMyBuckets", resource: "arn:aws:s3:::*" }), "allow");
    assert.deepEqual(["", "home/", "home/alice/"].map(list), ["allow", "allow", "allow"]);
    assert.deepEqual([undefined, "home", "home/bob/"].map(list), ["implicit-deny", "implicit-deny", "implicit-deny"]);
    assert.equal(byUser(policy, { action: "s3:PutObject", resource: "arn:aws:s3:::corp/home/alice/x" }), "allow");
    assert.equal(byUser(policy, { action: "s3:PutObject", resource: "arn:aws:s3:::corp/home/bob/x" }), "implicit-deny");
    assert.equal(byUser(policy, { resource: "arn:aws:s3:::corp/home/alicebob" }), "implicit-deny");
  });

  test("NumericLessThanEquals: a listing of at most ten keys", () => {
    const policy = policyOf({
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: "arn:aws:s3:::corp",
      Condition: { NumericLessThanEquals: { "s3:max-keys": "10" } },
    });
    const list = (count: string | undefined): string =>
      byUser(policy, { action: "s3:ListBucket", resource: "arn:aws:s3:::corp", context: { "s3:max-keys": count } });
    assert.deepEqual(["10", "11", undefined].map(list), ["allow", "implicit-deny", "implicit-deny"]);
  });

  test("DateGreaterThan and Null: temporary credentials only, and only recent ones", () => {
    const recent = policyOf({
      Effect: "Allow",
      Action: "s3:*",
      Resource: "*",
      Condition: { DateGreaterThan: { "aws:TokenIssueTime": "2026-01-01T00:00:01Z" } },
    });
    const own = policyOf({
      Effect: "Allow",
      Action: "s3:*",
      Resource: "*",
      Condition: { Null: { "aws:TokenIssueTime": "true" } },
    });
    const temporary = { ...ALICE, tokenIssuedMillis: Date.UTC(2026, 0, 2) };
    assert.equal(byUser(recent, { principal: temporary }), "allow");
    assert.equal(byUser(recent, { principal: { ...ALICE, tokenIssuedMillis: Date.UTC(2025, 0, 2) } }), "implicit-deny");
    assert.equal(byUser(recent, {}), "implicit-deny");
    assert.equal(byUser(own, {}), "allow");
    assert.equal(byUser(own, { principal: temporary }), "implicit-deny");
  });

  test("Bool: everything is denied that does not come over TLS", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: "s3:*", Resource: "*" },
      {
        Effect: "Deny",
        Action: "s3:*",
        Resource: ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
    assert.equal(byUser(policy, { context: { "aws:SecureTransport": "false" } }), "deny");
    assert.equal(byUser(policy, { context: { "aws:SecureTransport": "true" } }), "allow");
  });

  test("IfExists: StringNotEqualsIfExists in a Deny also denies without the key", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: "s3:*", Resource: "*" },
      {
        Effect: "Deny",
        Action: "s3:PutObject",
        Resource: "*",
        Condition: { StringNotEqualsIfExists: { "s3:x-amz-server-side-encryption": "AES256" } },
      },
    ]);
    const put = (value: string | undefined): string =>
      byUser(policy, { action: "s3:PutObject", context: { "s3:x-amz-server-side-encryption": value } });
    assert.deepEqual(["AES256", "aws:kms", undefined].map(put), ["allow", "deny", "deny"]);
  });
});

describe("IAM, conditions with several keys or values", () => {
  const LISTED = ["PostDateTime", "Message", "Tags"];
  const decide = (operator: string, given: readonly string[]): string => {
    const condition = { [operator]: { "aws:TagKeys": LISTED } };
    const policy = policyOf({ Effect: "Allow", Action: "*", Resource: "*", Condition: condition });
    return byUser(policy, { context: { "aws:TagKeys": given } });
  };

  test("the evaluation table: ForAllValues wants a match for each, ForAnyValue for one", () => {
    assert.equal(decide("ForAllValues:StringLike", ["PostDateTime", "Message"]), "allow");
    assert.equal(decide("ForAllValues:StringLike", ["PostDateTime", "UserName"]), "implicit-deny");
    assert.equal(decide("ForAnyValue:StringLike", ["UserName", "Message", "PostDateTime"]), "allow");
    assert.equal(decide("ForAnyValue:StringLike", ["UserName"]), "implicit-deny");
  });

  test("the note: on an empty value ForAllValues is true and ForAnyValue false", () => {
    assert.equal(decide("ForAllValues:StringLike", [""]), "allow");
    assert.equal(decide("ForAnyValue:StringLike", [""]), "implicit-deny");
  });
});

describe("IAM, policy variables", () => {
  test("a default for requests without the value", () => {
    const policy = policyOf(
      {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::bucket/${aws:username, 'public'}/*",
      },
      "bucket",
    );
    const get = (principal: Asked["principal"], key: string): string =>
      byBucket(policy, { ...(principal && { principal }), resource: `arn:aws:s3:::bucket/${key}` });
    assert.equal(get(ANONYMOUS, "public/x"), "allow");
    assert.equal(get(ALICE, "alice/x"), "allow");
    assert.equal(get(ALICE, "public/x"), "implicit-deny");
  });

  test("a value that is not present makes the statement not match", () => {
    const policy = policyOf(
      { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/${aws:username}*" },
      "bucket",
    );
    assert.equal(byBucket(policy, { principal: ANONYMOUS, resource: "arn:aws:s3:::bucket/x" }), "implicit-deny");
  });
});

describe("IAM, NotPrincipal, NotAction, NotResource", () => {
  test("NotAction with Allow: everything but deleting a bucket", () => {
    const policy = policyOf({ Effect: "Allow", NotAction: "s3:DeleteBucket", Resource: "arn:aws:s3:::*" });
    assert.equal(byUser(policy, { action: "s3:DeleteObject" }), "allow");
    assert.equal(byUser(policy, { action: "s3:DeleteBucket", resource: "arn:aws:s3:::bucket" }), "implicit-deny");
  });

  test("NotResource with Deny: everything outside of one folder", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: "s3:*", Resource: "*" },
      { Effect: "Deny", Action: "s3:*", NotResource: ["arn:aws:s3:::payroll/own", "arn:aws:s3:::payroll/own/*"] },
    ]);
    assert.equal(byUser(policy, { resource: "arn:aws:s3:::payroll/own/x" }), "allow");
    assert.equal(byUser(policy, { resource: "arn:aws:s3:::payroll/x" }), "deny");
  });

  test("NotPrincipal with Deny spares one user, who still needs an Allow", () => {
    const deny = {
      Effect: "Deny",
      NotPrincipal: { AWS: ["arn:aws:iam:::user/alice", "arn:aws:iam:::root"] },
      Action: "s3:*",
      Resource: ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
    };
    assert.equal(byBucket(policyOf(deny, "bucket"), {}), "implicit-deny");
    const allow = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" };
    assert.equal(byBucket(policyOf([deny, allow], "bucket"), {}), "allow");
    const bob = { type: "user", name: "bob", id: "ASHUBOB" } as const;
    assert.equal(byBucket(policyOf([deny, allow], "bucket"), { principal: bob }), "deny");
  });
});

describe("S3, bucket policy examples", () => {
  const ALL = { Effect: "Allow", Principal: "*" };
  const OBJECTS = "arn:aws:s3:::bucket/*";

  test("reading by everyone", () => {
    const policy = policyOf({ ...ALL, Action: ["s3:GetObject"], Resource: OBJECTS }, "bucket");
    assert.equal(byBucket(policy, { principal: ANONYMOUS }), "allow");
    assert.equal(byBucket(policy, { principal: ANONYMOUS, action: "s3:GetObjectVersion" }), "implicit-deny");
    assert.equal(byBucket(policy, { principal: ANONYMOUS, action: "s3:PutObject" }), "implicit-deny");
  });

  test("a network is let in, but one address of it", () => {
    const policy = policyOf(
      {
        ...ALL,
        Action: "s3:*",
        Resource: OBJECTS,
        Condition: {
          IpAddress: { "aws:SourceIp": "192.0.2.0/24" },
          NotIpAddress: { "aws:SourceIp": "192.0.2.188/32" },
        },
      },
      "bucket",
    );
    const from = (address: string): string =>
      byBucket(policy, { principal: ANONYMOUS, context: { "aws:SourceIp": address } });
    assert.deepEqual(["192.0.2.7", "192.0.2.188", "198.51.100.1"].map(from), [
      "allow",
      "implicit-deny",
      "implicit-deny",
    ]);
  });

  test("a site's pages by their Referer", () => {
    const policy = policyOf(
      {
        ...ALL,
        Action: "s3:GetObject",
        Resource: OBJECTS,
        Condition: { StringLike: { "aws:Referer": ["http://www.example.com/*", "http://example.com/*"] } },
      },
      "bucket",
    );
    const from = (referer: string | undefined): string => byBucket(policy, { context: { "aws:Referer": referer } });
    assert.deepEqual(["http://www.example.com/a", "http://example.org/", undefined].map(from), [
      "allow",
      "implicit-deny",
      "implicit-deny",
    ]);
  });

  test("an upload has to leave the owner in control", () => {
    const policy = policyOf(
      {
        Effect: "Allow",
        Principal: { AWS: "alice" },
        Action: ["s3:PutObject", "s3:PutObjectAcl"],
        Resource: OBJECTS,
        Condition: { StringEquals: { "s3:x-amz-acl": "bucket-owner-full-control" } },
      },
      "bucket",
    );
    const put = (acl: string | undefined): string =>
      byBucket(policy, { action: "s3:PutObject", context: { "s3:x-amz-acl": acl } });
    assert.deepEqual(["bucket-owner-full-control", "private", undefined].map(put), [
      "allow",
      "implicit-deny",
      "implicit-deny",
    ]);
  });

  test("listing is confined to a folder, by an Allow and by a Deny", () => {
    const policy = policyOf([
      {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::corp",
        Condition: { StringEquals: { "s3:prefix": "projects" } },
      },
      {
        Effect: "Deny",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::corp",
        Condition: { StringNotEquals: { "s3:prefix": "projects" } },
      },
    ]);
    const list = (prefix: string | undefined): string =>
      byUser(policy, { action: "s3:ListBucket", resource: "arn:aws:s3:::corp", context: { "s3:prefix": prefix } });
    assert.deepEqual(["projects", "secrets", undefined].map(list), ["allow", "deny", "deny"]);
  });

  test("a copy has to come from one folder and keep its metadata", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: "s3:PutObject", Resource: OBJECTS },
      {
        Effect: "Deny",
        Action: "s3:PutObject",
        Resource: OBJECTS,
        Condition: { StringNotLike: { "s3:x-amz-copy-source": "source/public/*" } },
      },
      {
        Effect: "Deny",
        Action: "s3:PutObject",
        Resource: OBJECTS,
        Condition: { StringEquals: { "s3:x-amz-metadata-directive": "REPLACE" } },
      },
    ]);
    const copy = (source: string | undefined, directive?: string): string =>
      byUser(policy, {
        action: "s3:PutObject",
        context: { "s3:x-amz-copy-source": source, "s3:x-amz-metadata-directive": directive },
      });
    assert.equal(copy("source/public/a"), "allow");
    assert.equal(copy("source/private/a"), "deny");
    assert.equal(copy(undefined), "deny");
    assert.equal(copy("source/public/a", "REPLACE"), "deny");
  });

  test("one version, one storage class, and no old presigned URL", () => {
    const policy = policyOf([
      {
        Effect: "Allow",
        Action: "s3:GetObjectVersion",
        Resource: OBJECTS,
        Condition: { StringEquals: { "s3:VersionId": "v7" } },
      },
      {
        Effect: "Allow",
        Action: "s3:PutObject",
        Resource: OBJECTS,
        Condition: { StringEquals: { "s3:x-amz-storage-class": "STANDARD_IA" } },
      },
      {
        Effect: "Deny",
        Action: "s3:*",
        Resource: "*",
        Condition: { NumericGreaterThan: { "s3:signatureAge": 600_000 } },
      },
    ]);
    const version = { action: "s3:GetObjectVersion" } as const;
    assert.equal(byUser(policy, { ...version, context: { "s3:VersionId": "v7" } }), "allow");
    assert.equal(byUser(policy, { ...version, context: { "s3:VersionId": "v8" } }), "implicit-deny");
    assert.equal(
      byUser(policy, { ...version, context: { "s3:VersionId": "v7", "s3:signatureAge": "600001" } }),
      "deny",
    );
    const put = { action: "s3:PutObject", context: { "s3:x-amz-storage-class": "STANDARD_IA" } } as const;
    assert.equal(byUser(policy, put), "allow");
  });

  test("object tags: those that the object has, and those that a request may set", () => {
    const policy = policyOf([
      {
        Effect: "Allow",
        Action: "s3:GetObject",
        Resource: OBJECTS,
        Condition: { StringEquals: { "s3:ExistingObjectTag/environment": "production" } },
      },
      {
        Effect: "Allow",
        Action: "s3:PutObjectTagging",
        Resource: OBJECTS,
        Condition: {
          "ForAllValues:StringLike": { "s3:RequestObjectTagKeys": ["Owner", "CreationDate"] },
          StringEquals: { "s3:RequestObjectTag/Owner": "alice" },
        },
      },
    ]);
    assert.equal(byUser(policy, { context: { "s3:ExistingObjectTag/environment": "production" } }), "allow");
    assert.equal(byUser(policy, { context: { "s3:ExistingObjectTag/environment": "test" } }), "implicit-deny");
    const tag = (keys: readonly string[]): string =>
      byUser(policy, {
        action: "s3:PutObjectTagging",
        context: { "s3:RequestObjectTagKeys": keys, "s3:RequestObjectTag/Owner": "alice" },
      });
    assert.equal(tag(["Owner", "CreationDate"]), "allow");
    assert.equal(tag(["Owner", "Project"]), "implicit-deny");
  });

  test("a second factor is never there, so what asks for one is denied", () => {
    const policy = policyOf([
      { Effect: "Allow", Action: "s3:*", Resource: "*" },
      { Effect: "Deny", Action: "s3:*", Resource: OBJECTS, Condition: { Null: { "aws:MultiFactorAuthAge": true } } },
    ]);
    assert.equal(byUser(policy, {}), "deny");
  });
});
