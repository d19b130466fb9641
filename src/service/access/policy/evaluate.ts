// May the request pass? As AWS decides it inside one account:
//
//   1. A Deny that applies, in any policy, decides.
//   2. An Allow that applies is needed in a policy of the user or in the bucket's. An anonymous request has only the
//      bucket's.
//   3. Each session policy has to allow it too: it narrows what its bearer may do, whoever grants it.
//
// The root key is outside of 1 and 2: everything is allowed to it, and only a session policy narrows it.
// A statement's decision is one object made when the policy is compiled, so that an evaluation allocates nothing.

import { actionIndex } from "./actions.ts";
import type { Decision, Effect, Policy, PolicySource, Statement } from "./policy.ts";
import type { PolicyRequest } from "./request.ts";

export interface PolicySet {
  readonly identity: readonly Policy[];
  readonly sessions: readonly Policy[];
  readonly bucket?: Policy | undefined;
}

export const ROOT_DECISION: Decision = { decision: "allow" };
export const IMPLICIT_DENY: Decision = { decision: "implicit-deny" };

export function evaluate(policies: PolicySet, request: PolicyRequest): Decision {
  const action = actionIndex(request.action);
  const root = request.principal.type === "root";
  const identity = root ? NONE : policies.identity;
  const bucket = root ? undefined : policies.bucket;
  const deny =
    firstIn(identity, "Deny", action, request) ??
    (bucket && first(bucket.denies, action, request)) ??
    firstIn(policies.sessions, "Deny", action, request);
  if (deny !== undefined) return deny.decision;
  let granted = ROOT_DECISION;
  if (!root) {
    const allow = firstIn(identity, "Allow", action, request) ?? (bucket && first(bucket.allows, action, request));
    if (allow === undefined) return IMPLICIT_DENY;
    granted = allow.decision;
  }
  for (const session of policies.sessions) {
    if (first(session.allows, action, request) === undefined) return IMPLICIT_DENY;
  }
  return granted;
}

export interface Explanation extends Decision {
  readonly policies: readonly PolicyExplanation[];
}

export interface PolicyExplanation {
  readonly source: PolicySource;
  readonly policy: string;
  /** What this policy alone says. */
  readonly decision: Decision["decision"];
  readonly statements: readonly StatementExplanation[];
}

export interface StatementExplanation {
  readonly index: number;
  readonly sid: string | undefined;
  readonly effect: Effect;
  readonly applies: boolean;
  /** The first element that does not fit. */
  readonly failed?: string;
}

/** The decision, and how each statement of each policy came to it. */
export function explain(policies: PolicySet, request: PolicyRequest): Explanation {
  const action = actionIndex(request.action);
  const all = [...policies.identity, ...(policies.bucket === undefined ? [] : [policies.bucket]), ...policies.sessions];
  return {
    ...evaluate(policies, request),
    policies: all.map((policy) => ({
      source: policy.source,
      policy: policy.name,
      decision: alone(policy, action, request),
      statements: policy.statements.map((statement) => explainStatement(statement, action, request)),
    })),
  };
}

const NONE: readonly Policy[] = [];

function firstIn(
  policies: readonly Policy[],
  effect: Effect,
  action: number,
  request: PolicyRequest,
): Statement | undefined {
  for (const policy of policies) {
    const found = first(effect === "Deny" ? policy.denies : policy.allows, action, request);
    if (found !== undefined) return found;
  }
  return undefined;
}

function first(statements: readonly Statement[], action: number, request: PolicyRequest): Statement | undefined {
  for (const statement of statements) {
    if (statement.mismatch(action, request) === undefined) return statement;
  }
  return undefined;
}

function alone(policy: Policy, action: number, request: PolicyRequest): Decision["decision"] {
  if (first(policy.denies, action, request) !== undefined) return "deny";
  return first(policy.allows, action, request) === undefined ? "implicit-deny" : "allow";
}

function explainStatement(statement: Statement, action: number, request: PolicyRequest): StatementExplanation {
  const { reference, effect } = statement;
  const mismatch = statement.mismatch(action, request);
  const base = { index: reference.index, sid: reference.sid, effect, applies: mismatch === undefined };
  if (mismatch === undefined) return base;
  return { ...base, failed: typeof mismatch === "string" ? mismatch : `${mismatch.operator} ${mismatch.key.name}` };
}
