import type { Action } from "../policy/actions.ts";
import type { RequestContext } from "../policy/condition-keys.ts";
import { type Policy, type PolicySource, parsePolicy } from "../policy/policy.ts";
import type { PolicyPrincipal, PolicyRequest } from "../policy/request.ts";

export const ALICE: Extract<PolicyPrincipal, { type: "user" }> = { type: "user", name: "alice", id: "ASHUALICE" };

/** A policy of these statements, of version 2012-10-17. */
export function policyOf(statements: object | readonly object[], source: PolicySource = "identity"): Policy {
  return parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }), { name: "test", source });
}

export interface Asked {
  readonly principal?: PolicyPrincipal;
  readonly action?: Action;
  readonly resource?: string;
  readonly nowMillis?: number;
  readonly context?: RequestContext;
}

/** alice gets an object, unless told otherwise. */
export function asked({
  principal = ALICE,
  action = "s3:GetObject",
  resource = "arn:aws:s3:::bucket/key",
  nowMillis = Date.UTC(2026, 0, 15, 12),
  context = {},
}: Asked = {}): PolicyRequest {
  return { principal, action, resource, nowMillis, context };
}
