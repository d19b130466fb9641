import { isoTime } from "../../../std/time-text.ts";
import { ROOT_ARN, userArn } from "./arn.ts";
import { CONDITION_KEYS, type ConditionValue, type KeyEntry, TAG_KEYS } from "./condition-keys.ts";
import { malformed, quoted } from "./fault.ts";
import { nearest } from "./nearest.ts";
import type { PolicyPrincipal, PolicyRequest } from "./request.ts";

/** A condition key as a policy uses it. */
export interface KeyReference {
  /** In the tables' spelling. */
  readonly name: string;
  readonly several: boolean;
  read(request: PolicyRequest): ConditionValue;
}

/** Throws POLICY_MALFORMED where there is no such key. */
export function keyReference(written: string, path: string): KeyReference {
  const slash = written.indexOf("/");
  if (slash > 0) {
    const stem = STEMS_BY_LOWER_CASE.get(written.slice(0, slash + 1).toLowerCase());
    if (stem !== undefined && slash + 1 < written.length) return contextKey(stem + written.slice(slash + 1), false);
  }
  const name = NAMES_BY_LOWER_CASE.get(written.toLowerCase());
  if (name === undefined) {
    const close = nearest(written, [...NAMES_BY_LOWER_CASE.values()]);
    throw malformed(path, `${quoted(written)} is no condition key${close === undefined ? "" : `; ${close} is near`}.`);
  }
  const derive = DERIVED[name];
  if (derive !== undefined) return { name, several: false, read: derive };
  return contextKey(name, (CONDITION_KEYS as Readonly<Record<string, KeyEntry>>)[name]?.several === true);
}

function contextKey(name: string, several: boolean): KeyReference {
  return { name, several, read: (request) => (request.context as Readonly<Record<string, ConditionValue>>)[name] };
}

const NAMES_BY_LOWER_CASE = byLowerCase(Object.keys(CONDITION_KEYS));
const STEMS_BY_LOWER_CASE = byLowerCase(Object.keys(TAG_KEYS));

function byLowerCase(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

const DERIVED: Readonly<Record<string, (request: PolicyRequest) => string | undefined>> = {
  "aws:CurrentTime": (request) => isoTime(request.nowMillis),
  "aws:EpochTime": (request) => String(Math.floor(request.nowMillis / 1000)),
  "aws:PrincipalArn": ({ principal }) => principalArn(principal),
  "aws:PrincipalType": ({ principal }) => PRINCIPAL_TYPES[principal.type],
  "aws:TokenIssueTime": ({ principal }) =>
    principal.type === "anonymous" || principal.tokenIssuedMillis === undefined
      ? undefined
      : isoTime(principal.tokenIssuedMillis),
  "aws:userid": ({ principal }) => (principal.type === "user" ? principal.id : principal.type),
  "aws:username": ({ principal }) => (principal.type === "user" ? principal.name : undefined),
};

const PRINCIPAL_TYPES = { anonymous: "Anonymous", root: "Account", user: "User" } as const;

function principalArn(principal: PolicyPrincipal): string | undefined {
  if (principal.type === "anonymous") return undefined;
  return principal.type === "root" ? ROOT_ARN : userArn(principal.name);
}
