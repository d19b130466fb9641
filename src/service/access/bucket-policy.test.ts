// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { isPublic, parseBucketPolicy, storedBucketPolicy } from "./bucket-policy.ts";

const READ = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" };

function parse(statement: object | readonly object[]): ReturnType<typeof parseBucketPolicy> {
  return parseBucketPolicy(JSON.stringify({ Version: "2012-10-17", Statement: statement }), "bucket");
}

function faultOf(elements: object): string {
  try {
    parse({ ...READ, ...elements });
  } catch (error) {
    assert.ok(hasCode(error, "POLICY_MALFORMED"), String(error));
    return error.message;
  }
  assert.fail(`accepted: ${JSON.stringify(elements)}`);
}

describe("a bucket's policy", () => {
  test("is parsed once for the same stored bytes, and fails as damaged where they are no policy", () => {
    const content = utf8(JSON.stringify({ Version: "2012-10-17", Statement: READ }));
    const policy = storedBucketPolicy(content, "bucket");
    assert.equal(storedBucketPolicy(content, "bucket"), policy);
    assert.notEqual(storedBucketPolicy(content.slice(), "bucket"), policy);
    for (const broken of [
      "",
      "{}",
      JSON.stringify({ Version: "2012-10-17", Statement: { ...READ, Effect: "Perhaps" } }),
    ]) {
      assert.throws(
        () => storedBucketPolicy(utf8(broken), "bucket"),
        (error: unknown) => hasCode(error, "RECORD_DAMAGED"),
      );
    }
  });

  test("speaks of its bucket: what can match nothing in it is refused", () => {
    const object = [
      "arn:aws:s3:::bucket/*",
      "arn:aws:s3:::bucket/a/b",
      "arn:aws:s3:::bucket*",
      "arn:aws:s3:::b*t/x",
      "arn:aws:s3:::b?cket/*",
      "arn:aws:s3:::*/*",
      "arn:aws:s3::*:bucket/x",
      "arn:aws:s3:::${aws:username}/x",
      "*",
    ];
    for (const Resource of object) parse({ ...READ, Resource });
    const outside = [
      "arn:aws:s3:::other/*",
      "arn:aws:s3:::bucket2/*",
      "arn:aws:s3:::bucke?2/*",
      "arn:aws:s3:::buck/*",
      "arn:aws:s3:::bucket/",
      "arn:aws:ashlar:::user/bucket",
    ];
    for (const Resource of outside) {
      assert.match(faultOf({ Resource }), /outside of the bucket/, Resource);
      assert.match(faultOf({ Resource: ["arn:aws:s3:::bucket/*", Resource] }), /outside of the bucket/, Resource);
    }
  });

  test("each action applies to one of the statement's resources", () => {
    const both = ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"];
    parse({ ...READ, Action: ["s3:ListBucket", "s3:GetObject"], Resource: both });
    parse({ ...READ, Action: "s3:*" });
    parse({ ...READ, Action: "s3:Get*", Resource: "arn:aws:s3:::bucket" });
    parse({ ...READ, Action: ["s3:ListBucket", "s3:GetObject"], Resource: "arn:aws:s3:::bucket*" });
    assert.match(faultOf({ Action: "s3:ListBucket" }), /Action: s3:ListBucket does not apply/);
    assert.match(faultOf({ Action: ["s3:GetObject", "s3:ListBucket"] }), /s3:ListBucket does not apply/);
    assert.match(faultOf({ Resource: "arn:aws:s3:::bucket" }), /s3:GetObject does not apply/);
    assert.match(faultOf({ Action: "s3:ListAllMyBuckets", Resource: "*" }), /does not apply/);
  });

  test("NotAction and NotResource are not judged so", () => {
    parse({ ...READ, Action: undefined, NotAction: "s3:ListBucket" });
    parse({ ...READ, Resource: undefined, NotResource: "arn:aws:s3:::bucket/private/*" });
    assert.match(faultOf({ Resource: undefined, NotResource: "arn:aws:s3:::other/*" }), /outside/);
  });
});

describe("public (S3, The meaning of public)", () => {
  const isOpen = (elements: object): boolean => isPublic(parse({ ...READ, ...elements }));
  const under = (Condition: object): boolean => isOpen({ Condition });

  test("everyone without a condition is the public, a named principal is not", () => {
    assert.ok(isOpen({}));
    assert.ok(isOpen({ Principal: { AWS: ["alice", "*"] } }));
    assert.ok(!isOpen({ Principal: { AWS: "alice" } }));
    assert.ok(!isOpen({ Effect: "Deny" }));
  });

  test("one public statement makes the policy public, whatever a Deny takes away", () => {
    const named = { ...READ, Principal: { AWS: "alice" } };
    assert.ok(isPublic(parse([named, READ])));
    assert.ok(!isPublic(parse([named, named])));
    assert.ok(isPublic(parse([READ, { ...READ, Effect: "Deny" }])));
  });

  test("fixed values of a key that binds make a statement not public, wildcards and variables do not", () => {
    assert.ok(!under({ StringEquals: { "aws:SourceVpc": "vpc-91237329" } }));
    assert.ok(!under({ StringLike: { "aws:SourceVpc": "vpc-91237329" } }));
    assert.ok(under({ StringLike: { "aws:SourceVpc": "vpc-*" } }));
    assert.ok(!under({ StringEquals: { "aws:userid": ["ASHUA", "ASHUB"] } }));
    assert.ok(under({ StringEquals: { "aws:userid": ["ASHUA", "${aws:userid}"] } }));
    assert.ok(!under({ ArnLike: { "aws:PrincipalArn": "arn:aws:iam:::user/alice" } }));
    assert.ok(under({ ArnLike: { "aws:PrincipalArn": "arn:aws:iam:::user/*" } }));
    assert.ok(under({ StringEquals: { "aws:UserAgent": "x" } }));
    assert.ok(under({ StringEquals: { "aws:Referer": "https://example.com/" } }));
  });

  test("a condition that also holds without the key, or by not matching it, binds nobody", () => {
    assert.ok(under({ StringNotEquals: { "aws:SourceVpc": "vpc-1" } }));
    assert.ok(under({ StringEqualsIfExists: { "aws:SourceVpc": "vpc-1" } }));
    assert.ok(under({ "ForAllValues:StringEquals": { "aws:SourceVpc": "vpc-1" } }));
    assert.ok(!under({ "ForAnyValue:StringEquals": { "aws:SourceVpc": "vpc-1" } }));
  });

  test("networks bind as long as they are not broader than /8 or /32", () => {
    const from = (...blocks: readonly string[]): boolean => under({ IpAddress: { "aws:SourceIp": blocks } });
    assert.ok(!from("203.0.113.0/24"));
    assert.ok(!from("10.0.0.0/8", "2001:db8::/32"));
    assert.ok(from("0.0.0.0/1"));
    assert.ok(from("203.0.113.0/24", "64.0.0.0/7"));
    assert.ok(from("2001:db8::/31"));
    assert.ok(under({ NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } }));
    assert.ok(under({ StringEquals: { "aws:SourceIp": "203.0.113.7" } }));
  });
});
