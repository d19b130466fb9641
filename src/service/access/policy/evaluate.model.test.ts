// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so. Pairs of small statements,
// in every place that a policy can have, on every small request: the compiled evaluator against one that reads the
// documents as they are and does what the rules say, word by word.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, policyOf } from "../testing/policies.ts";
import type { Action } from "./actions.ts";
import { evaluate, type PolicySet } from "./evaluate.ts";
import type { Policy } from "./policy.ts";
import type { PolicyPrincipal, PolicyRequest } from "./request.ts";

type Operator = "StringEquals" | "StringNotEquals" | "StringEqualsIfExists" | "Null";

interface SmallStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Action?: string;
  readonly NotAction?: string;
  readonly Resource?: string;
  readonly NotResource?: string;
  readonly Condition?: Readonly<Partial<Record<Operator, { readonly "s3:prefix": string }>>>;
}

const ALICE: PolicyPrincipal = { type: "user", name: "a", id: "1" };
const PRINCIPALS: readonly PolicyPrincipal[] = [
  ALICE,
  { type: "user", name: "b", id: "2" },
  { type: "anonymous" },
  { type: "root" },
];
const ACTIONS: readonly Action[] = ["s3:GetObject", "s3:PutObject"];
const RESOURCES = ["arn:aws:s3:::b/a", "arn:aws:s3:::b/x"];
const PREFIXES = [undefined, "a", "x"];

const REQUESTS: readonly PolicyRequest[] = PRINCIPALS.flatMap((principal) =>
  ACTIONS.flatMap((action) =>
    RESOURCES.flatMap((resource) =>
      PREFIXES.map((prefix) => asked({ principal, action, resource, context: { "s3:prefix": prefix } })),
    ),
  ),
);

const WHAT: readonly object[] = [{ Action: "*" }, { Action: "s3:Get*" }, { NotAction: "s3:GetObject" }];
const WHERE: readonly object[] = [
  { Resource: "*" },
  { Resource: "arn:aws:s3:::b/${aws:username}" },
  { NotResource: "arn:aws:s3:::b/${aws:username}" },
];
const WHEN: readonly object[] = [
  {},
  { Condition: { StringEquals: { "s3:prefix": "${aws:username}" } } },
  { Condition: { StringNotEquals: { "s3:prefix": "${aws:username}" } } },
  { Condition: { StringEqualsIfExists: { "s3:prefix": "a" } } },
  { Condition: { Null: { "s3:prefix": "true" } } },
];

const STATEMENTS: readonly SmallStatement[] = (["Allow", "Deny"] as const).flatMap((Effect) =>
  WHAT.flatMap((what) => WHERE.flatMap((where) => WHEN.map((when) => ({ Effect, ...what, ...where, ...when })))),
);

const WHO: readonly object[] = [{ Principal: "*" }, { Principal: { AWS: "a" } }, { NotPrincipal: { AWS: "a" } }];

const BUCKET_STATEMENTS: readonly SmallStatement[] = STATEMENTS.filter(
  ({ NotAction, NotResource }) => NotAction === undefined || NotResource === undefined,
).flatMap((statement) =>
  WHO.filter((who) => statement.Effect === "Deny" || !("NotPrincipal" in who)).map((who) => ({ ...who, ...statement })),
);

/** True, false, or not to be known because a variable has no value. */
type Truth = boolean | undefined;

function nameOf({ principal }: PolicyRequest): string | undefined {
  return principal.type === "user" ? principal.name : undefined;
}

/** These documents have no other wildcards than a star at the end. */
function like(pattern: string, text: string, request: PolicyRequest): Truth {
  const name = nameOf(request);
  if (pattern.includes("${aws:username}")) {
    return name === undefined ? undefined : like(pattern.replace("${aws:username}", name), text, request);
  }
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function conditionHolds(operator: Operator, listed: string, request: PolicyRequest): Truth {
  const given = request.context["s3:prefix"];
  if (operator === "Null") return (given === undefined) === (listed === "true");
  if (typeof given !== "string") return operator !== "StringEquals";
  return operator === "StringNotEquals" ? not(like(listed, given, request)) : like(listed, given, request);
}

function namesPrincipal(principals: unknown, request: PolicyRequest): boolean {
  return principals === "*" || nameOf(request) === (principals as { AWS: string }).AWS;
}

function applies(statement: SmallStatement, request: PolicyRequest): boolean {
  const { Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition = {} } = statement;
  const positive: Truth[] = [
    Principal === undefined || namesPrincipal(Principal, request),
    NotPrincipal === undefined || !namesPrincipal(NotPrincipal, request),
    Action === undefined || like(Action, request.action, request),
    Resource === undefined || like(Resource, request.resource, request),
  ];
  const negative: Truth[] = [
    NotAction === undefined || not(like(NotAction, request.action, request)),
    NotResource === undefined || not(like(NotResource, request.resource, request)),
  ];
  for (const [operator, keys] of Object.entries(Condition)) {
    const truth = conditionHolds(operator as Operator, keys["s3:prefix"], request);
    (operator === "StringNotEquals" ? negative : positive).push(truth);
  }
  // What is not known is false, but behind a negation in a Deny.
  return positive.every((truth) => truth ?? false) && negative.every((truth) => truth ?? statement.Effect === "Deny");
}

const APPLIES = new Map<SmallStatement, readonly boolean[]>();

/** For each of REQUESTS. */
function appliesToEach(statement: SmallStatement): readonly boolean[] {
  const known = APPLIES.get(statement) ?? REQUESTS.map((request) => applies(statement, request));
  APPLIES.set(statement, known);
  return known;
}

type Place = "identity" | "bucket" | "session";

interface Placed {
  readonly place: Place;
  readonly statement: SmallStatement;
}

function decideByRules(placed: readonly Placed[], hasSession: boolean, index: number): string {
  const { principal } = REQUESTS[index]!;
  const root = principal.type === "root";
  const anonymous = principal.type === "anonymous";
  const isHeard = (place: Place): boolean =>
    (place === "bucket" ? !root : !anonymous) && !(place === "identity" && root);
  const effective = placed.filter(({ place, statement }) => isHeard(place) && appliesToEach(statement)[index]);
  if (effective.some(({ statement }) => statement.Effect === "Deny")) return "deny";
  const allowedBy = (places: readonly Place[]): boolean => effective.some(({ place }) => places.includes(place));
  if (!root && !allowedBy(["identity", "bucket"])) return "implicit-deny";
  return hasSession && !anonymous && !allowedBy(["session"]) ? "implicit-deny" : "allow";
}

/** Anonymous requests have no policies of their own, and no session. */
function policySets({ identity, session, bucket }: Readonly<Record<Place, Policy | undefined>>): {
  readonly signed: PolicySet;
  readonly anonymous: PolicySet;
} {
  const list = (policy: Policy | undefined): readonly Policy[] => (policy === undefined ? [] : [policy]);
  return {
    signed: { identity: list(identity), sessions: list(session), bucket },
    anonymous: { identity: [], sessions: [], bucket },
  };
}

function checkAll(first: readonly Placed[], second: readonly Placed[], samePolicy: boolean): number {
  let checked = 0;
  const compiled = new Map<SmallStatement, Policy>();
  const compile = ({ place, statement }: Placed): Policy => {
    const known = compiled.get(statement) ?? policyOf(statement, place);
    compiled.set(statement, known);
    return known;
  };
  for (const [position, one] of first.entries()) {
    // The order of statements in a policy has no meaning: one of both orders will do.
    for (const two of samePolicy ? second.slice(position) : second) {
      const policies: Record<Place, Policy | undefined> = {
        identity: undefined,
        bucket: undefined,
        session: undefined,
      };
      if (samePolicy) policies[one.place] = policyOf([one.statement, two.statement], one.place);
      else Object.assign(policies, { [one.place]: compile(one), [two.place]: compile(two) });
      const { signed, anonymous } = policySets(policies);
      const placed = [one, two];
      for (let index = 0; index < REQUESTS.length; index++) {
        const request = REQUESTS[index]!;
        const expected = decideByRules(placed, policies.session !== undefined, index);
        const found = evaluate(request.principal.type === "anonymous" ? anonymous : signed, request).decision;
        if (found !== expected) assert.fail(`${JSON.stringify([one, two, request])}: ${found}, not ${expected}`);
        checked++;
      }
    }
  }
  return checked;
}

function at(place: Place, statements: readonly SmallStatement[], every = 1): readonly Placed[] {
  return statements.filter((_, index) => index % every === 0).map((statement) => ({ place, statement }));
}

test("two statements of one user's policy decide as the rules say", () => {
  assert.equal(checkAll(at("identity", STATEMENTS, 2), at("identity", STATEMENTS, 2), true), ((45 * 46) / 2) * 48);
});

test("a user's policy with a bucket's decides as the rules say", () => {
  assert.ok(checkAll(at("identity", STATEMENTS, 2), at("bucket", BUCKET_STATEMENTS), false) > 300_000);
});

test("a user's policy with a session's decides as the rules say", () => {
  assert.equal(checkAll(at("identity", STATEMENTS), at("session", STATEMENTS, 2), false), 90 * 45 * 48);
});

test("a bucket's policy with a session's decides as the rules say", () => {
  assert.ok(checkAll(at("bucket", BUCKET_STATEMENTS), at("session", STATEMENTS, 4), false) > 150_000);
});
