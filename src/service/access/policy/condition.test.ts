// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ACCESS_LIMITS } from "../limits.ts";
import { ALICE, type Asked, asked, policyOf } from "../testing/policies.ts";
import type { RequestContext } from "./condition-keys.ts";
import { evaluate } from "./evaluate.ts";
import { parsePolicy } from "./policy.ts";

type Condition = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** True where an Allow under this condition lets the request pass. */
function holds(condition: Condition, request: Asked): boolean {
  const policy = policyOf({ Effect: "Allow", Action: "*", Resource: "*", Condition: condition });
  return evaluate({ identity: [policy], sessions: [] }, asked(request)).decision === "allow";
}

/** Operator, listed values, value of the request, answer. */
type Case = readonly [operator: string, listed: unknown, given: string | readonly string[] | undefined, holds: boolean];

function check(key: "s3:prefix" | "aws:SourceIp" | "aws:TagKeys", cases: readonly Case[]): void {
  for (const [operator, listed, given, expected] of cases) {
    const context: RequestContext = { [key]: given };
    const found = holds({ [operator]: { [key]: listed } }, { context });
    assert.equal(found, expected, `${operator} ${JSON.stringify(listed)} on ${JSON.stringify(given)}`);
  }
}

describe("operators on one value", () => {
  test("strings", () => {
    check("s3:prefix", [
      ["StringEquals", "a", "a", true],
      ["StringEquals", "a", "A", false],
      ["StringEquals", ["a", "b"], "b", true],
      ["StringEquals", "a*", "ab", false],
      ["StringEquals", "a*", "a*", true],
      ["StringEquals", "", "", true],
      ["StringEquals", 10, "10", true],
      ["StringEquals", true, "true", true],
      ["stringequals", "a", "a", true],
      ["StringNotEquals", "a", "b", true],
      ["StringNotEquals", ["a", "b"], "b", false],
      ["StringNotEquals", ["a", "b"], "c", true],
      ["StringEqualsIgnoreCase", "aÉ", "Aé", true],
      ["StringEqualsIgnoreCase", "a", "b", false],
      ["StringNotEqualsIgnoreCase", "a", "A", false],
      ["StringLike", "a*", "abc", true],
      ["StringLike", "a?c", "abc", true],
      ["StringLike", "a?c", "ac", false],
      ["StringLike", "A*", "abc", false],
      ["StringLike", "*", "", true],
      ["StringLike", "?", "", false],
      ["StringNotLike", ["a*", "b*"], "cab", true],
      ["StringNotLike", ["a*", "b*"], "bac", false],
    ]);
  });

  test("numbers", () => {
    check("s3:prefix", [
      ["NumericEquals", "10", "10.0", true],
      ["NumericEquals", 10, "1e1", true],
      ["NumericEquals", 10, "ten", false],
      ["NumericNotEquals", 10, "11", true],
      ["NumericNotEquals", 10, "10", false],
      ["NumericLessThan", 10, "9.99", true],
      ["NumericLessThan", 10, "10", false],
      ["NumericLessThan", [5, 10], "7", true],
      ["NumericLessThanEquals", 10, "10", true],
      ["NumericLessThanEquals", 10, "11", false],
      ["NumericGreaterThan", -3, "-2", true],
      ["NumericGreaterThan", -3, "-3", false],
      ["NumericGreaterThanEquals", -3, "-3", true],
      ["NumericGreaterThanEquals", "0", "", false],
      ["NumericLessThan", 10, "0x5", false],
      ["NumericLessThan", 10, "Infinity", false],
    ]);
  });

  test("dates", () => {
    check("s3:prefix", [
      ["DateEquals", "2026-01-15", "2026-01-15T00:00:00Z", true],
      ["DateEquals", "2026-01-15T01:00:00+01:00", "1768435200", true],
      ["DateNotEquals", "2026-01-15", "2026-01-16", true],
      ["DateLessThan", "2026-01-15", "2026-01-14T23:59:59Z", true],
      ["DateLessThan", "2026-01-15", "2026-01-15", false],
      ["DateLessThanEquals", "2026-01-15", "2026-01-15", true],
      ["DateGreaterThan", "2026-01-15", "2026-01-15T00:00:01Z", true],
      ["DateGreaterThan", "2026-01-15", "yesterday", false],
      ["DateGreaterThanEquals", "2026-01-15", "2026-01-15", true],
    ]);
  });

  test("truth values, binary values", () => {
    check("s3:prefix", [
      ["Bool", "true", "true", true],
      ["Bool", true, "True", true],
      ["Bool", "false", "true", false],
      ["Bool", false, "false", true],
      ["Bool", "true", "1", false],
      ["BinaryEquals", "aMOp", "hé", true],
      ["BinaryEquals", "aMOp", "he", false],
    ]);
  });

  test("addresses", () => {
    check("aws:SourceIp", [
      ["IpAddress", "203.0.113.0/24", "203.0.113.255", true],
      ["IpAddress", "203.0.113.0/24", "203.0.114.0", false],
      ["IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", true],
      ["IpAddress", "203.0.113.7", "203.0.113.7", true],
      ["IpAddress", "203.0.113.7", "::ffff:203.0.113.7", true],
      ["IpAddress", "0.0.0.0/0", "not an address", false],
      ["NotIpAddress", "203.0.113.0/24", "203.0.113.1", false],
      ["NotIpAddress", ["203.0.113.0/24", "10.0.0.0/8"], "192.0.2.1", true],
    ]);
  });

  test("ARNs are compared part by part", () => {
    const given = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    check("s3:prefix", [
      ["ArnLike", "arn:aws:someservice:*:111122223333:finance/*", given, false],
      ["StringLike", "arn:aws:someservice:*:111122223333:finance/*", given, true],
      ["ArnLike", "arn:aws:someservice:*:999999999999:store/*", given, true],
      ["ArnEquals", "arn:aws:someservice:us-east-?:999999999999:*document.txt", given, true],
      ["ArnEquals", "arn:aws:someservice:us-east-2:999999999999:store/abc", given, false],
      ["ArnLike", "arn:aws:*:*:*:*", "arn:aws:s3", false],
      ["ArnNotLike", "arn:aws:s3:::b/*", "arn:aws:s3:::c/k", true],
      ["ArnNotEquals", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", false],
    ]);
  });
});

describe("absent keys", () => {
  test("plain, negated, IfExists and Null", () => {
    check("s3:prefix", [
      ["StringEquals", "a", undefined, false],
      ["StringNotEquals", "a", undefined, true],
      ["StringNotLike", "*", undefined, true],
      ["NumericNotEquals", 1, undefined, true],
      ["NotIpAddress", "0.0.0.0/0", undefined, true],
      ["ArnNotEquals", "arn:aws:s3:::b", undefined, true],
      ["StringEqualsIfExists", "a", undefined, true],
      ["StringEqualsIfExists", "a", "b", false],
      ["StringNotEqualsIfExists", "a", undefined, true],
      ["StringNotEqualsIfExists", "a", "a", false],
      ["Null", "true", undefined, true],
      ["Null", true, "x", false],
      ["Null", "false", "", true],
      ["Null", false, undefined, false],
      ["Null", ["true", "false"], undefined, true],
    ]);
  });

  test("set operators", () => {
    check("aws:TagKeys", [
      ["ForAllValues:StringEquals", ["a", "b"], undefined, true],
      ["ForAllValues:StringNotEquals", ["a", "b"], undefined, true],
      ["ForAllValues:StringNotEqualsIfExists", "a", undefined, true],
      ["ForAnyValue:StringEquals", ["a", "b"], undefined, false],
      ["ForAnyValue:StringNotEquals", ["a", "b"], undefined, false],
      ["ForAnyValue:StringEqualsIfExists", "a", undefined, false],
      ["ForAllValues:StringEquals", "a", [], true],
      ["ForAnyValue:StringEquals", "a", [], false],
      ["ForAllValues:StringEquals", "a", "", true],
      ["ForAnyValue:StringEquals", "", "", false],
      ["ForAllValues:StringEquals", "a", ["", ""], true],
      ["ForAllValues:StringEquals", "a", ["a", ""], false],
      ["Null", "true", [], true],
    ]);
  });
});

describe("several values", () => {
  test("set operators look at each value of the request", () => {
    check("aws:TagKeys", [
      ["ForAllValues:StringEquals", ["a", "b", "c"], ["a", "b"], true],
      ["ForAllValues:StringEquals", ["a", "b"], ["a", "x"], false],
      ["ForAnyValue:StringEquals", ["a", "b"], ["x", "b"], true],
      ["ForAnyValue:StringEquals", ["a", "b"], ["x", "y"], false],
      ["ForAllValues:StringNotEquals", ["a", "b"], ["x", "y"], true],
      ["ForAllValues:StringNotEquals", ["a", "b"], ["x", "a"], false],
      ["ForAnyValue:StringNotEquals", ["a", "b"], ["a", "x"], true],
      ["ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], false],
      ["ForAnyValue:StringLike", "a*", ["x", "ab"], true],
      ["forallvalues:StringLike", "a*", "ab", true],
    ]);
  });

  test("without a set operator one match is a match, and one match spoils a negated operator", () => {
    check("aws:TagKeys", [
      ["StringEquals", "a", ["x", "a"], true],
      ["StringEquals", "a", ["x", "y"], false],
      ["StringNotEquals", "a", ["x", "a"], false],
      ["StringNotEquals", "a", ["x", "y"], true],
    ]);
  });

  test("all operators and all keys have to hold", () => {
    const condition = {
      StringEquals: { "s3:prefix": ["a", "b"], "s3:delimiter": "/" },
      NumericLessThan: { "s3:max-keys": 10 },
    };
    const context = { "s3:prefix": "b", "s3:delimiter": "/", "s3:max-keys": "5" };
    assert.ok(holds(condition, { context }));
    assert.ok(!holds(condition, { context: { ...context, "s3:delimiter": "-" } }));
    assert.ok(!holds(condition, { context: { ...context, "s3:max-keys": "10" } }));
    assert.ok(!holds(condition, { context: { ...context, "s3:prefix": undefined } }));
  });
});

test("a value too long to be looked at allows nothing and denies", () => {
  const long = "a".repeat(ACCESS_LIMITS.conditionCharactersMax + 1);
  const conditions: readonly Condition[] = [
    { StringLike: { "aws:UserAgent": "*" } },
    { StringNotEquals: { "aws:UserAgent": "b" } },
    { StringEqualsIfExists: { "aws:UserAgent": long } },
    { "ForAllValues:StringLike": { "aws:UserAgent": "*" } },
  ];
  const everything = { Effect: "Allow", Action: "*", Resource: "*" };
  for (const Condition of conditions) {
    assert.ok(!holds(Condition, { context: { "aws:UserAgent": long } }), JSON.stringify(Condition));
    const policy = policyOf([everything, { ...everything, Effect: "Deny", Condition }]);
    const decide = (value: string): string =>
      evaluate({ identity: [policy], sessions: [] }, asked({ context: { "aws:UserAgent": value } })).decision;
    assert.equal(decide(long), "deny");
  }
  assert.ok(holds({ StringLike: { "aws:UserAgent": "*" } }, { context: { "aws:UserAgent": long.slice(1) } }));
  assert.ok(!holds({ StringLike: { "aws:TagKeys": "*" } }, { context: { "aws:TagKeys": Array(5000).fill("a") } }));
});

describe("keys", () => {
  test("names are compared without case, names of tags with it", () => {
    const context = { "s3:prefix": "a", "s3:ExistingObjectTag/Team": "blue" } as const;
    assert.ok(holds({ StringEquals: { "S3:PREFIX": "a" } }, { context }));
    assert.ok(holds({ StringEquals: { "s3:existingobjecttag/Team": "blue" } }, { context }));
    assert.ok(!holds({ StringEquals: { "s3:ExistingObjectTag/team": "blue" } }, { context }));
    assert.ok(holds({ Null: { "s3:ExistingObjectTag/constructor": "true" } }, { context }));
  });

  test("the principal and the clock give theirs", () => {
    const nowMillis = Date.UTC(2026, 0, 15, 12, 0, 0, 250);
    const given = (key: string, value: string, request: Asked = {}): boolean =>
      holds({ StringEquals: { [key]: value } }, { nowMillis, ...request });
    assert.ok(given("aws:CurrentTime", "2026-01-15T12:00:00.250Z"));
    assert.ok(given("aws:EpochTime", "1768478400"));
    assert.ok(given("aws:username", "alice"));
    assert.ok(given("aws:userid", "ASHUALICE"));
    assert.ok(given("aws:PrincipalType", "User"));
    assert.ok(given("aws:PrincipalArn", "arn:aws:iam:::user/alice"));
    assert.ok(holds({ Null: { "aws:TokenIssueTime": "true" } }, {}));
    const principal = { ...ALICE, tokenIssuedMillis: nowMillis };
    assert.ok(given("aws:TokenIssueTime", "2026-01-15T12:00:00.250Z", { principal }));
    assert.ok(holds({ DateLessThan: { "aws:CurrentTime": "2026-01-16" } }, { nowMillis }));
    assert.ok(!holds({ DateGreaterThan: { "aws:EpochTime": "2026-01-16" } }, { nowMillis }));
  });

  test("a context can not override what the evaluator knows", () => {
    const context = { "aws:username": "bob" } as RequestContext;
    assert.ok(!holds({ StringEquals: { "aws:username": "bob" } }, { context }));
  });

  test("an anonymous request has a type and an id, but no name", () => {
    const policy = policyOf(
      {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: "*",
        Condition: {
          StringEquals: { "aws:PrincipalType": "Anonymous", "aws:userid": "anonymous" },
          Null: { "aws:username": "true", "aws:PrincipalArn": "true" },
        },
      },
      "bucket",
    );
    const request = asked({ principal: { type: "anonymous" } });
    assert.equal(evaluate({ identity: [], sessions: [], bucket: policy }, request).decision, "allow");
  });
});

describe("variables", () => {
  test("stand in strings and ARNs for the request's value, whose wildcards are ordinary characters", () => {
    const star = { type: "user", name: "a*", id: "ASHUSTAR" } as const;
    const prefix = (value: string): RequestContext => ({ "s3:prefix": value });
    const condition = { StringLike: { "s3:prefix": "home/${aws:username}/*" } };
    assert.ok(holds(condition, { context: prefix("home/alice/x") }));
    assert.ok(!holds(condition, { context: prefix("home/bob/x") }));
    assert.ok(holds(condition, { principal: star, context: prefix("home/a*/x") }));
    assert.ok(!holds(condition, { principal: star, context: prefix("home/abc/x") }));
    const equals = { StringEqualsIgnoreCase: { "s3:prefix": "HOME/${aws:username}" } };
    assert.ok(holds(equals, { context: prefix("home/ALICE") }));
    const arn = { ArnLike: { "s3:prefix": "arn:aws:iam:::user/${aws:username, 'a:b'}" } };
    assert.ok(holds(arn, { context: prefix("arn:aws:iam:::user/alice") }));
    assert.ok(!holds(arn, { context: prefix("arn:aws:iam:::user/bob") }));
  });

  test("may be followed by any pattern", () => {
    const like = (pattern: string, value: string): boolean =>
      holds({ StringLike: { "s3:prefix": pattern } }, { context: { "s3:prefix": value } });
    assert.ok(like("home/${aws:username}/?x*y", "home/alice/1x23y"));
    assert.ok(!like("home/${aws:username}/?x*y", "home/alice/x23y"));
    assert.ok(!like("home/${aws:username}/*y", "home/alice/123"));
    assert.ok(like("*/${aws:username}/*/${aws:username}", "a/b/alice/c/alice"));
    assert.ok(!like("*/${aws:username}/*/${aws:username}", "a/b/alice/alice"));
    assert.ok(!like("${aws:username}", "alice2"));
  });

  test("the three special characters stand for themselves", () => {
    const condition = { StringLike: { "s3:prefix": "${*}${?}${$}{x}*" } };
    assert.ok(holds(condition, { context: { "s3:prefix": "*?${x}yz" } }));
    assert.ok(!holds(condition, { context: { "s3:prefix": "ab${x}yz" } }));
    assert.ok(holds({ StringEquals: { "s3:prefix": "${*}" } }, { context: { "s3:prefix": "*" } }));
  });

  test("a default takes the place of an absent value", () => {
    const condition = { StringEquals: { "s3:prefix": "${s3:delimiter, 'none'}" } };
    assert.ok(holds(condition, { context: { "s3:prefix": "none" } }));
    assert.ok(holds(condition, { context: { "s3:prefix": "/", "s3:delimiter": "/" } }));
    assert.ok(!holds(condition, { context: { "s3:prefix": "none", "s3:delimiter": "/" } }));
  });

  test("without a value they match nothing, and behind a negated operator they open nothing", () => {
    const context = { "s3:prefix": "a" };
    assert.ok(!holds({ StringLike: { "s3:prefix": "${s3:delimiter}*" } }, { context }));
    assert.ok(holds({ StringLike: { "s3:prefix": ["${s3:delimiter}*", "a"] } }, { context }));
    assert.ok(!holds({ StringNotEquals: { "s3:prefix": "${s3:delimiter}" } }, { context }));
    assert.ok(!holds({ StringNotLike: { "s3:prefix": "${s3:delimiter}" } }, { context }));
    assert.ok(!holds({ ArnNotLike: { "s3:prefix": "arn:aws:s3:::${s3:delimiter}" } }, { context }));
    assert.ok(holds({ StringNotEquals: { "s3:prefix": "${s3:delimiter}" } }, {}), "the key itself is absent");
    const deny = policyOf([
      { Effect: "Allow", Action: "*", Resource: "*" },
      { Effect: "Deny", Action: "*", Resource: "*", Condition: { StringNotLike: { "s3:prefix": "${s3:delimiter}" } } },
    ]);
    assert.equal(evaluate({ identity: [deny], sessions: [] }, asked({ context })).decision, "deny");
  });

  test("are plain text in a document of 2008", () => {
    const condition = { StringEquals: { "s3:prefix": "${aws:username}" } };
    for (const Version of ["2008-10-17", undefined]) {
      const document = { Version, Statement: { Effect: "Allow", Action: "*", Resource: "*", Condition: condition } };
      const policy = parsePolicy(JSON.stringify(document), { name: "test", source: "identity" });
      const answer = (value: string): string =>
        evaluate({ identity: [policy], sessions: [] }, asked({ context: { "s3:prefix": value } })).decision;
      assert.equal(answer("${aws:username}"), "allow");
      assert.equal(answer("alice"), "implicit-deny");
    }
  });
});
