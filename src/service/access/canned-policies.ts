// Policies that are there from the start, under MinIO's names and with the same reach, so that its users find what they
// know. They are no rows: nobody can change or delete them.

import { hasCode } from "../../std/errors.ts";
import { type Policy, type PolicySource, parsePolicy } from "./policy/policy.ts";

interface CannedPolicy {
  readonly document: string;
  readonly policy: Policy;
}

/** By name, in byte order. */
export const CANNED_POLICIES: ReadonlyMap<string, CannedPolicy> = new Map(
  [
    /** Everything: objects, administration, users. */
    canned("consoleAdmin", [allow(["s3:*", "ashlar:*"], "*")]),
    /** As readonly, and listing, which a browser of objects needs. */
    canned("consolereadonly", [
      allow(["s3:ListAllMyBuckets", "s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject"], "arn:aws:s3:::*"),
    ]),
    /** The state of the cluster, no data and no users. */
    canned("diagnostics", [
      allow(
        [
          "ashlar:GetStatus",
          "ashlar:GetMetrics",
          "ashlar:GetConfiguration",
          "ashlar:GetUsage",
          "ashlar:ListEvents",
          "ashlar:WatchEvents",
          "ashlar:ListNodes",
          "ashlar:ListGroups",
          "ashlar:ListVolumes",
        ],
        "*",
      ),
    ]),
    /** Objects whose names one knows: no listing. */
    canned("readonly", [allow(["s3:GetBucketLocation", "s3:GetObject"], "arn:aws:s3:::*")]),
    /** All of S3. */
    canned("readwrite", [allow(["s3:*"], "arn:aws:s3:::*")]),
    canned("writeonly", [allow(["s3:PutObject"], "arn:aws:s3:::*")]),
  ].map(({ policy, document }) => [policy.name, { policy, document }]),
);

/** A stored document; one that this version refuses denies everything. */
export function policyOrDeny(document: string, name: string, source: PolicySource): Policy {
  try {
    return parsePolicy(document, { name, source });
  } catch (error) {
    if (hasCode(error, "POLICY_MALFORMED")) return denyAll(name, source);
    throw error;
  }
}

/** Stands in for a policy that can not be had: what it would have denied is not known, so everything is. */
export function denyAll(name: string, source: PolicySource): Policy {
  return parsePolicy(documentOf([{ Effect: "Deny", Action: "*", Resource: "*" }]), { name, source });
}

function canned(name: string, statements: readonly object[]): CannedPolicy {
  const document = documentOf(statements);
  return { document, policy: parsePolicy(document, { name, source: "identity" }) };
}

function allow(actions: readonly string[], resource: string): object {
  return { Effect: "Allow", Action: actions, Resource: resource };
}

function documentOf(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements }, undefined, 2);
}
