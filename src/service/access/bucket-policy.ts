// What only a bucket's policy has to satisfy: it speaks of its own bucket, and each of its actions can apply to a
// resource that it names. And the question of GetBucketPolicyStatus: does it let the public in?

import { text } from "../../std/bytes.ts";
import { parseIpBlock } from "../../std/ip-address.ts";
import { accessFailure } from "./errors.ts";
import { ACTIONS, type Action } from "./policy/actions.ts";
import { bucketArn } from "./policy/arn.ts";
import type { Condition } from "./policy/condition.ts";
import { malformed, member } from "./policy/fault.ts";
import { type Policy, parsePolicy, type Statement } from "./policy/policy.ts";
import { ANY_ONE, ANY_RUN, type Token } from "./policy/wildcard.ts";

/** Throws POLICY_MALFORMED, also where the policy speaks of another bucket. */
export function parseBucketPolicy(document: string, bucket: string): Policy {
  const policy = parsePolicy(document, { name: bucket, source: "bucket" });
  for (const statement of policy.statements) checkStatement(statement, bucket);
  return policy;
}

/** The objects service keeps a document's bytes in its cache and gives the same array again: what was made of it goes with it. */
const STORED: WeakMap<Uint8Array, Policy> = new WeakMap();

/**
 * The policy that a bucket has, parsed once for all gateways. It was valid when it was put; where it no longer is, it
 * fails with RECORD_DAMAGED, and nobody gets in by what it might have said.
 */
export function storedBucketPolicy(content: Uint8Array, bucket: string): Policy {
  const known = STORED.get(content);
  if (known !== undefined) return known;
  try {
    const policy = parseBucketPolicy(text(content), bucket);
    STORED.set(content, policy);
    return policy;
  } catch (cause) {
    throw accessFailure("RECORD_DAMAGED", { data: { bucket, record: "policy" }, cause });
  }
}

/**
 * True where an Allow lets everyone in whom no condition binds to fixed values: a named principal, a network, or a
 * caller that only AWS has. Deny statements do not make a policy less public (Amazon S3, "The meaning of public").
 */
export function isPublic(policy: Policy): boolean {
  return policy.allows.some(
    (statement) => statement.principals?.everyone === true && !statement.conditions.some(restricts),
  );
}

function checkStatement(statement: Statement, bucket: string): void {
  const { actions, resources, reference } = statement;
  const path = `Statement[${reference.index}]`;
  const arn = bucketArn(bucket);
  let reachesBucket = resources.negated;
  let reachesObjects = resources.negated;
  for (const template of resources.templates) {
    const reach = reachOf(template.widened(), arn);
    if (!reach.itself && !reach.behind) {
      const inside = member(path, resources.negated ? "NotResource" : "Resource");
      throw malformed(inside, `a resource lies outside of the bucket ${bucket}.`);
    }
    reachesBucket ||= reach.itself;
    reachesObjects ||= reach.behind;
  }
  if (actions.negated) return;
  for (const expansion of actions.expansions) {
    if (expansion.some((action) => applies(action, reachesBucket, reachesObjects))) continue;
    throw malformed(member(path, "Action"), `${expansion[0]} does not apply to any resource of the statement.`);
  }
}

function applies(action: Action, reachesBucket: boolean, reachesObjects: boolean): boolean {
  const kind = ACTIONS[action];
  return (kind === "bucket" && reachesBucket) || (kind === "object" && reachesObjects);
}

interface Reach {
  /** The pattern matches the bucket's ARN. */
  readonly itself: boolean;
  /** The pattern matches some ARN of an object in the bucket. */
  readonly behind: boolean;
}

/**
 * Follows all places in the pattern at once through the ARN: any place that is left can be completed by some text
 * behind.
 */
function reachOf(tokens: readonly Token[], arn: string): Reach {
  const pattern = tokens.flatMap<Place>((token) => (typeof token === "string" ? Array.from(token) : [token]));
  let places = closure(new Set([0]), pattern);
  for (const character of arn) places = step(places, pattern, character);
  const itself = places.has(pattern.length);
  const behind = step(places, pattern, "/");
  // A place at the pattern's very end behind the slash would be an object without a name.
  return { itself, behind: [...behind].some((place) => place < pattern.length) };
}

type Place = string | typeof ANY_ONE | typeof ANY_RUN;

function step(places: ReadonlySet<number>, pattern: readonly Place[], character: string): Set<number> {
  const next = new Set<number>();
  for (const place of places) {
    const token = pattern[place];
    if (token === ANY_RUN) next.add(place);
    else if (token === ANY_ONE || token === character) next.add(place + 1);
  }
  return closure(next, pattern);
}

/** A run also matches nothing. */
function closure(places: Set<number>, pattern: readonly Place[]): Set<number> {
  for (const place of places) if (pattern[place] === ANY_RUN) places.add(place + 1);
  return places;
}

/** Keys whose fixed values bind a statement to someone. */
const BINDING_KEYS: ReadonlySet<string> = new Set([
  "aws:PrincipalAccount",
  "aws:PrincipalArn",
  "aws:PrincipalOrgID",
  "aws:PrincipalServiceName",
  "aws:SourceAccount",
  "aws:SourceArn",
  "aws:SourceOwner",
  "aws:SourceVpc",
  "aws:SourceVpce",
  "aws:userid",
  "aws:username",
  "s3:DataAccessPointAccount",
  "s3:DataAccessPointArn",
  "s3:x-amz-server-side-encryption-aws-kms-key-id",
]);

/** A condition that also holds without its key binds nobody: no negated operator, no IfExists, no ForAllValues. */
const BINDING_OPERATORS = /^(?:ForAnyValue:)?(?:StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)$/i;

function restricts(condition: Condition): boolean {
  if (condition.key.name === "aws:SourceIp") {
    return /^(?:ForAnyValue:)?IpAddress$/i.test(condition.operator) && condition.values.every(isNarrow);
  }
  if (!BINDING_KEYS.has(condition.key.name) || !BINDING_OPERATORS.test(condition.operator)) return false;
  return condition.values.every((value) => !/[*?]|\$\{/.test(value));
}

/** Broader than /8 (IPv4) or /32 (IPv6) is the public. */
function isNarrow(text: string): boolean {
  const block = parseIpBlock(text)!;
  return block.bits >= (block.words.length === 1 ? 8 : 32);
}
