// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../../testing/seeds.ts";
import { isPublic, parseBucketPolicy } from "../bucket-policy.ts";
import { asked } from "../testing/policies.ts";
import { ACTIONS, type Action } from "./actions.ts";
import { CONDITION_KEYS } from "./condition-keys.ts";
import { evaluate, explain, type PolicySet } from "./evaluate.ts";
import { type JsonValue, parseJson } from "./json.ts";
import { OPERATORS } from "./operators.ts";
import { type Policy, type PolicySource, parsePolicy } from "./policy.ts";
import type { PolicyRequest } from "./request.ts";

const RUNS = fuzzRuns(3000);
const [SEED = 1] = simulationSeeds(1);

const NAMES = Object.keys(ACTIONS) as Action[];
const OPERATOR_NAMES = [...Object.keys(OPERATORS), "Null"];
const KEYS = [...Object.keys(CONDITION_KEYS), "s3:ExistingObjectTag/team"];
const TEXTS = [
  "a",
  "*",
  "a?",
  "${aws:username}",
  "${s3:prefix, 'x'}",
  "${*}",
  "",
  "10",
  "true",
  "2026",
  "10.0.0.0/8",
  "YQ==",
];
const RESOURCES = [
  "*",
  "arn:aws:s3:::bucket",
  "arn:aws:s3:::bucket/*",
  "arn:aws:s3:::b?cket/${aws:username}/*",
  "arn:aws:s3:::*",
];
const SOURCES: readonly PolicySource[] = ["identity", "bucket", "session"];

function drawStatement(prng: Prng, source: PolicySource): object {
  const denies = prng.chance(0.4);
  const list = (draw: () => unknown): unknown => (prng.chance(0.5) ? draw() : [draw(), draw()]);
  const action = (): string => (prng.chance(0.3) ? "s3:*" : `${prng.pick(NAMES).slice(0, 3 + prng.below(20))}*`);
  const not = (chance: number): string => (prng.chance(chance) ? "Not" : "");
  const principal = prng.chance(0.3) ? { AWS: list(() => prng.pick(["alice", "bob", "arn:aws:iam:::root"])) } : "*";
  return {
    Effect: denies ? "Deny" : "Allow",
    [`${not(0.2)}Action`]: list(action),
    [`${not(0.2)}Resource`]: list(() => prng.pick(RESOURCES)),
    ...(source === "bucket" && { [denies ? `${not(0.2)}Principal` : "Principal"]: principal }),
    ...(prng.chance(0.6) && { Condition: drawConditions(prng) }),
  };
}

function drawConditions(prng: Prng): object {
  const qualifier = prng.pick(["", "", "", "ForAllValues:", "ForAnyValue:"]);
  const operator = qualifier + prng.pick(OPERATOR_NAMES) + (prng.chance(0.2) ? "IfExists" : "");
  const values = Array.from({ length: 1 + prng.below(3) }, () => prng.pick(TEXTS));
  return { [operator]: { [prng.pick(KEYS)]: values } };
}

function drawDocument(prng: Prng, source: PolicySource): string {
  const statements = Array.from({ length: 1 + prng.below(4) }, () => drawStatement(prng, source));
  return JSON.stringify({ Version: prng.pick(["2008-10-17", "2012-10-17"]), Statement: statements });
}

/** Cuts, doubles, replaces and inserts characters. */
function spoil(prng: Prng, document: string): string {
  let text = document;
  for (let times = prng.below(4); times > 0; times--) {
    const at = prng.below(text.length + 1);
    const inserted = prng.pick([
      '"',
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\\",
      "\\u0000",
      "${",
      "*",
      "\n",
      "é",
      "\ud83d",
      "1e999",
    ]);
    text =
      text.slice(0, at) + inserted + text.slice(prng.chance(0.5) ? at : Math.min(text.length, at + prng.below(20)));
  }
  return text;
}

function drawRequest(prng: Prng): PolicyRequest {
  const user = { type: "user", name: prng.pick(["alice", "bob"]), id: "x" } as const;
  const principal = prng.pick([user, { type: "anonymous" } as const, { type: "root" } as const]);
  const context = Object.fromEntries(
    Array.from({ length: prng.below(6) }, () => [
      prng.pick(KEYS),
      prng.chance(0.2) ? [prng.pick(TEXTS), "b"] : prng.pick(TEXTS),
    ]),
  );
  const resource = prng.pick(["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/alice/x", "arn:aws:s3:::*"]);
  return asked({ principal, action: prng.pick(NAMES), resource, context });
}

/** The policy, or undefined where it is refused in the one way that there is. */
function parsed(document: string, source: PolicySource, seed: number): Policy | undefined {
  try {
    return parsePolicy(document, { name: "fuzz", source });
  } catch (error) {
    assert.ok(hasCode(error, "POLICY_MALFORMED"), `seed ${seed}: ${String(error)}`);
    const { path } = error.data;
    assert.equal(typeof path, "string");
    return undefined;
  }
}

test("a random or spoiled document is either refused as malformed or decides on every request", () => {
  let accepted = 0;
  for (let run = 0; run < RUNS; run++) {
    const seed = SEED + run;
    const prng = new Prng(seed);
    const policies: Policy[] = [];
    for (const source of SOURCES) {
      const document = drawDocument(prng, source);
      const policy = parsed(prng.chance(0.5) ? spoil(prng, document) : document, source, seed);
      if (policy !== undefined) policies.push(policy);
    }
    accepted += policies.length;
    const of = (source: PolicySource): Policy[] => policies.filter((policy) => policy.source === source);
    const set: PolicySet = { identity: of("identity"), sessions: of("session"), bucket: of("bucket")[0] };
    for (let asking = 0; asking < 10; asking++) {
      const request = drawRequest(prng);
      const { decision } = evaluate(set, request);
      const explanation = explain(set, request);
      assert.equal(explanation.decision, decision, `seed ${seed}`);
      const denied = explanation.policies.some((each) => each.decision === "deny");
      if (request.principal.type !== "root") assert.equal(decision === "deny", denied, `seed ${seed}`);
    }
  }
  assert.ok(accepted > RUNS / 4, `only ${accepted} documents were accepted`);
});

test("a bucket policy that is not public lets no anonymous request in from an ordinary address", () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = SEED + run;
    const prng = new Prng(seed);
    let policy: Policy;
    try {
      policy = parseBucketPolicy(drawDocument(prng, "bucket"), "bucket");
    } catch (error) {
      assert.ok(hasCode(error, "POLICY_MALFORMED"), `seed ${seed}: ${String(error)}`);
      continue;
    }
    if (isPublic(policy)) continue;
    for (let asking = 0; asking < 10; asking++) {
      const request = { ...drawRequest(prng), principal: { type: "anonymous" } as const };
      const context = { "aws:SourceIp": "203.0.113.9" };
      const { decision } = evaluate({ identity: [], sessions: [], bucket: policy }, { ...request, context });
      assert.notEqual(decision, "allow", `seed ${seed}`);
    }
  }
});

/** As JSON.parse would give it. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([name, each]) => [name, plain(each)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

test("the JSON parser accepts what JSON.parse accepts, but doubled members, half characters and depth", () => {
  for (let run = 0; run < RUNS * 4; run++) {
    const seed = SEED + run;
    const prng = new Prng(seed);
    const document = spoil(prng, drawDocument(prng, "identity").slice(0, 20 + prng.below(400)));
    let expected: unknown;
    try {
      expected = JSON.parse(document);
    } catch {
      assert.throws(() => parseJson(document, 8), `seed ${seed}: accepted ${document}`);
      continue;
    }
    try {
      assert.deepEqual(plain(parseJson(document, 8)), expected, `seed ${seed}`);
    } catch (error) {
      assert.ok(hasCode(error, "POLICY_MALFORMED"), `seed ${seed}: ${String(error)}`);
      assert.match(error.message, /occurs twice|surrogate|deeper/, `seed ${seed}: ${document}`);
    }
  }
});
