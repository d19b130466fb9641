// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../../std/errors.ts";
import { ACTIONS, actionIndex } from "./actions.ts";
import { CONDITION_KEYS } from "./condition-keys.ts";
import { type PolicySource, parsePolicy } from "./policy.ts";

const ALLOW = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" };

function parse(document: unknown, source: PolicySource = "identity"): ReturnType<typeof parsePolicy> {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  return parsePolicy(text, { name: "test", source });
}

interface Fault {
  readonly path: unknown;
  readonly message: string;
}

function faultOf(document: unknown, source?: PolicySource): Fault {
  try {
    parse(document, source);
  } catch (error) {
    assert.ok(hasCode(error, "POLICY_MALFORMED"), String(error));
    const { path } = error.data;
    return { path, message: error.message };
  }
  assert.fail(`accepted: ${JSON.stringify(document)}`);
}

/** A document whose one statement is the valid one with these elements set, or left out where undefined. */
function statement(elements: object): object {
  return { Version: "2012-10-17", Statement: [{ ...ALLOW, ...elements }] };
}

describe("documents", () => {
  test("one statement or several, with or without a version and an id", () => {
    assert.equal(parse({ Statement: ALLOW }).version, "2008-10-17");
    assert.equal(parse({ Version: "2012-10-17", Id: "x", Statement: [ALLOW, ALLOW] }).statements.length, 2);
    assert.equal(
      parse({ Version: "2008-10-17", Statement: { ...ALLOW, Sid: "one" } }).statements[0]?.reference.sid,
      "one",
    );
  });

  test("faults of the document are told with their path", () => {
    const cases: readonly (readonly [unknown, string, RegExp])[] = [
      ["", "", /line 1/],
      ["[]", "", /not a JSON object/],
      [{}, "Statement", /list of statements/],
      [{ Statement: [] }, "Statement", /list of statements/],
      [{ Statement: "x" }, "Statement", /list of statements/],
      [{ Statement: [ALLOW, 7] }, "Statement[1]", /object/],
      [{ Version: "2012-10-18", Statement: ALLOW }, "Version", /2012-10-17/],
      [{ Version: 2012, Statement: ALLOW }, "Version", /2012-10-17/],
      [{ Id: 7, Statement: ALLOW }, "Id", /text/],
      [{ Statment: ALLOW }, "Statment", /Statement is near/],
      [
        {
          Statement: [
            { ...ALLOW, Sid: "a" },
            { ...ALLOW, Sid: "a" },
          ],
        },
        "Statement[1].Sid",
        /taken/,
      ],
    ];
    for (const [document, path, message] of cases) {
      const fault = faultOf(document);
      assert.equal(fault.path, path, JSON.stringify(document));
      assert.match(fault.message, message);
    }
  });

  test("a document may have 20 KiB in UTF-8 and no more", () => {
    const padded = (bytes: number): string => {
      const text = JSON.stringify({ Statement: ALLOW });
      return text + " ".repeat(bytes - text.length);
    };
    parse(padded(20_480));
    assert.match(faultOf(padded(20_481)).message, /longer than 20480 bytes/);
    assert.match(faultOf({ Id: "é".repeat(10_200), Statement: ALLOW }).message, /longer than/);
  });
});

describe("statements", () => {
  test("faults of a statement are told with their path", () => {
    const cases: readonly (readonly [object, string, RegExp])[] = [
      [{ Effect: undefined }, "Effect", /Allow or Deny/],
      [{ Effect: "allow" }, "Effect", /Allow or Deny/],
      [{ Sid: 1 }, "Sid", /text/],
      [{ Actions: "s3:*" }, "Actions", /Action is near/],
      [{ Principal: "*" }, "Principal", /bucket policy/],
      [{ NotPrincipal: "*" }, "NotPrincipal", /bucket policy/],
      [{ Action: undefined }, "Action", /missing/],
      [{ NotAction: "s3:GetObject" }, "NotAction", /one of the two/],
      [{ Action: [] }, "Action", /empty/],
      [{ Action: 7 }, "Action", /text/],
      [{ Action: ["s3:GetObject", "s3:GetObjekt"] }, "Action[1]", /s3:GetObject is near/],
      [{ Action: "s3:Frob*" }, "Action", /no action/],
      [{ Action: "GetObject" }, "Action", /lacks the service/],
      [{ Action: "ec2:RunInstances" }, "Action", /another service/],
      [{ Action: ["s3:*", "admin:*"] }, "Action[1]", /another service/],
      [{ Action: "s*:GetObject" }, "Action", /another service/],
      [{ Resource: undefined }, "Resource", /missing/],
      [{ NotResource: "*" }, "NotResource", /one of the two/],
      [{ Resource: [] }, "Resource", /empty/],
      [{ Resource: 7 }, "Resource", /text/],
      [{ Resource: ["*", "bucket"] }, "Resource[1]", /no ARN/],
      [{ Resource: "arn:aws:s3:::" }, "Resource", /names no resource/],
      [{ Resource: "arn:aws:s3:::/key" }, "Resource", /names no resource/],
      [{ Resource: "arn:aws:ec2:::x" }, "Resource", /another service/],
      [{ Resource: "arn:aws:*:::x" }, "Resource", /another service/],
      [{ Resource: "arn:aws-cn:s3:::x" }, "Resource", /partition/],
      [{ Resource: "arn:aws:s3:us-east-1::x" }, "Resource", /region/],
      [{ Resource: "arn:aws:s3::111122223333:x" }, "Resource", /account/],
      [{ Resource: "urn:aws:s3:::x" }, "Resource", /scheme/],
      [{ Resource: "arn:aws:s3:::x/${aws:username" }, "Resource", /closing brace/],
      [{ Resource: "arn:aws:s3:::x/${}" }, "Resource", /not a key/],
      [{ Resource: "arn:aws:s3:::x/${aws:usernam}" }, "Resource", /aws:username is near/],
      [{ Resource: "arn:aws:s3:::x/${aws:TagKeys}" }, "Resource", /several values/],
      [{ Resource: "arn:aws:s3:::x/${aws:username, none}" }, "Resource", /single quotes/],
      [{ Condition: [] }, "Condition", /object of operators/],
      [{ Condition: { StringLik: {} } }, "Condition.StringLik", /StringLike is near/],
      [{ Condition: { "ForSomeValues:StringLike": {} } }, 'Condition["ForSomeValues:StringLike"]', /no operator/],
      [{ Condition: { NullIfExists: {} } }, "Condition.NullIfExists", /neither/],
      [{ Condition: { "ForAllValues:Null": {} } }, 'Condition["ForAllValues:Null"]', /neither/],
      [{ Condition: { Bool: "x" } }, "Condition.Bool", /object of condition keys/],
      [{ Condition: { Bool: { "s3:frob": "x" } } }, 'Condition.Bool["s3:frob"]', /no condition key/],
      [{ Condition: { StringLike: { "s3:prefx": "x" } } }, 'Condition.StringLike["s3:prefx"]', /s3:prefix is near/],
      [
        { Condition: { StringLike: { "s3:ExistingObjectTag/": "x" } } },
        'Condition.StringLike["s3:ExistingObjectTag/"]',
        /no cond/,
      ],
      [{ Condition: { StringLike: { "s3:prefix": [] } } }, 'Condition.StringLike["s3:prefix"]', /empty/],
      [
        { Condition: { StringLike: { "s3:prefix": ["a", null] } } },
        'Condition.StringLike["s3:prefix"][1]',
        /text, a number/,
      ],
      [
        { Condition: { NumericLessThan: { "s3:max-keys": ["1", "ten"] } } },
        'Condition.NumericLessThan["s3:max-keys"][1]',
        /no number/,
      ],
      [
        { Condition: { DateLessThan: { "aws:CurrentTime": "soon" } } },
        'Condition.DateLessThan["aws:CurrentTime"]',
        /ISO 8601/,
      ],
      [
        { Condition: { Bool: { "aws:SecureTransport": "yes" } } },
        'Condition.Bool["aws:SecureTransport"]',
        /true or false/,
      ],
      [{ Condition: { Null: { "aws:SecureTransport": 1 } } }, 'Condition.Null["aws:SecureTransport"]', /true or false/],
      [{ Condition: { BinaryEquals: { "s3:prefix": "?" } } }, 'Condition.BinaryEquals["s3:prefix"]', /base64/],
      [{ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/40" } } }, 'Condition.IpAddress["aws:SourceIp"]', /CIDR/],
      [
        { Condition: { IpAddress: { "aws:SourceIp": "${aws:SourceIp}" } } },
        'Condition.IpAddress["aws:SourceIp"]',
        /CIDR/,
      ],
      [{ Condition: { ArnLike: { "aws:PrincipalArn": "alice" } } }, 'Condition.ArnLike["aws:PrincipalArn"]', /no ARN/],
      [
        { Condition: { ArnLike: { "aws:PrincipalArn": "*:*:*:*:*:*" } } },
        'Condition.ArnLike["aws:PrincipalArn"]',
        /no ARN/,
      ],
    ];
    for (const [elements, path, message] of cases) {
      const fault = faultOf(statement(elements));
      assert.equal(fault.path, `Statement[0].${path}`, JSON.stringify(elements));
      assert.match(fault.message, message, JSON.stringify(elements));
    }
  });

  test("a fault in a statement that stands alone has no index in its path", () => {
    assert.equal(faultOf({ Statement: { ...ALLOW, Effect: "x" } }).path, "Statement.Effect");
  });

  test("a message shows a long value cut", () => {
    assert.ok(faultOf(statement({ Action: `s3:${"x".repeat(5000)}` })).message.length < 300);
  });
});

describe("principals of a bucket policy", () => {
  const bucketStatement = (elements: object): object => statement({ Principal: "*", ...elements });

  test("everyone, users by name or ARN, and the account are read", () => {
    const read = (Principal: unknown): unknown => {
      const { principals } = parse(bucketStatement({ Principal }), "bucket").statements[0]!;
      return [principals?.everyone, principals?.account, [...(principals?.users ?? [])]];
    };
    assert.deepEqual(read("*"), [true, false, []]);
    assert.deepEqual(read({ AWS: "*" }), [true, false, []]);
    assert.deepEqual(read({ AWS: ["alice", "arn:aws:iam:::user/bob"] }), [false, false, ["alice", "bob"]]);
    assert.deepEqual(read({ AWS: "arn:aws:iam:::root" }), [false, true, []]);
  });

  test("whom this server does not know is refused", () => {
    const cases: readonly (readonly [object, string, RegExp])[] = [
      [{ Principal: undefined }, "Principal", /missing/],
      [{ Principal: "alice" }, "Principal", /object/],
      [{ Principal: {} }, "Principal", /nobody/],
      [{ Principal: { Service: "logging.s3.amazonaws.com" } }, "Principal.Service", /kind AWS only/],
      [{ Principal: { AWS: "*", Federated: "x" } }, "Principal.Federated", /kind AWS only/],
      [{ Principal: { AWS: [] } }, "Principal.AWS", /empty/],
      [{ Principal: { AWS: ["alice", ""] } }, "Principal.AWS[1]", /name or ARN/],
      [{ Principal: { AWS: "arn:aws:iam::111122223333:user/alice" } }, "Principal.AWS", /neither/],
      [{ Principal: { AWS: "arn:aws:iam:::user/*" } }, "Principal.AWS", /neither/],
      [{ Principal: { AWS: "arn:aws:iam:::role/x" } }, "Principal.AWS", /neither/],
      [{ Principal: { AWS: "ali*" } }, "Principal.AWS", /neither/],
      [{ Principal: undefined, NotPrincipal: { AWS: "alice" } }, "NotPrincipal", /only be used with Deny/],
      [{ Principal: undefined, NotPrincipal: "*", Effect: "Deny" }, "NotPrincipal", /excepts everyone/],
      [{ NotPrincipal: { AWS: "alice" }, Effect: "Deny" }, "NotPrincipal", /one of the two/],
      [{ Action: "ashlar:GetStatus" }, "Action", /can not be used in this policy/],
    ];
    for (const [elements, path, message] of cases) {
      const fault = faultOf(bucketStatement(elements), "bucket");
      assert.equal(fault.path, `Statement[0].${path}`, JSON.stringify(elements));
      assert.match(fault.message, message, JSON.stringify(elements));
    }
  });
});

describe("the tables", () => {
  test("an action's pattern is compared without case and expands to what it matches", () => {
    const covered = (Action: unknown, source: PolicySource = "identity"): string[] => {
      const { actions } = parse(statement({ Action, ...(source === "bucket" && { Principal: "*" }) }), source)
        .statements[0]!;
      return (Object.keys(ACTIONS) as (keyof typeof ACTIONS)[]).filter((action) => actions.has(actionIndex(action)));
    };
    assert.deepEqual(covered("S3:getobject"), ["s3:GetObject"]);
    assert.deepEqual(covered(["s3:GetObjectTagging", "s3:get?bjectTagging"]), ["s3:GetObjectTagging"]);
    assert.ok(covered("s3:*Object").includes("s3:DeleteObject"));
    assert.equal(covered("*").length, Object.keys(ACTIONS).length);
    assert.ok(covered("*", "bucket").every((action) => action.startsWith("s3:")));
    assert.deepEqual(covered("ashlar:*User"), [
      "ashlar:GetUser",
      "ashlar:CreateUser",
      "ashlar:UpdateUser",
      "ashlar:DeleteUser",
    ]);
  });

  test("no two actions and no two keys differ only in case", () => {
    for (const names of [Object.keys(ACTIONS), Object.keys(CONDITION_KEYS)]) {
      assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length);
    }
  });

  test("every key can be used in a condition", () => {
    for (const key of Object.keys(CONDITION_KEYS)) parse(statement({ Condition: { Null: { [key]: "true" } } }));
  });
});
