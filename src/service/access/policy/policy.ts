// A policy document, parsed, validated and compiled in one go: what a Policy holds is ready to be evaluated. A fault
// anywhere is POLICY_MALFORMED with its path; nothing of a faulty document is kept, and nothing unknown in it is passed
// over.

import { utf8 } from "../../../std/bytes.ts";
import { ACCESS_LIMITS } from "../limits.ts";
import { type ActionSet, parseActions } from "./actions.ts";
import { type Condition, parseConditions } from "./condition.ts";
import { element, malformed, member, quoted } from "./fault.ts";
import { isList, isObject, type JsonObject, type JsonValue, parseJson } from "./json.ts";
import { nearest } from "./nearest.ts";
import { type PrincipalSet, parsePrincipals } from "./principal.ts";
import type { PolicyRequest } from "./request.ts";
import { parseResources, type ResourceSet } from "./resource.ts";

/**
 * Identity and session policies name no principal; a bucket policy names one in each statement and no actions of
 * ashlar.
 */
export type PolicySource = "identity" | "bucket" | "session";

export type Effect = "Allow" | "Deny";

export interface Policy {
  readonly name: string;
  readonly source: PolicySource;
  readonly version: "2008-10-17" | "2012-10-17";
  readonly id: string | undefined;
  readonly statements: readonly Statement[];
  readonly denies: readonly Statement[];
  readonly allows: readonly Statement[];
}

export interface PolicyOptions {
  /** In decisions and explanations. */
  readonly name: string;
  readonly source: PolicySource;
  readonly bytesMax?: number;
}

export interface StatementReference {
  readonly source: PolicySource;
  readonly policy: string;
  /** Place in the document, from 0. */
  readonly index: number;
  readonly sid: string | undefined;
}

export interface Decision {
  readonly decision: "allow" | "deny" | "implicit-deny";
  /** The statement that decided; undefined where none did, or the root key did. */
  readonly statement?: StatementReference;
}

/** Why a statement does not apply to a request: the first of its elements that does not fit. */
export type Mismatch = "principal" | "action" | "resource" | Condition;

interface StatementElements {
  readonly reference: StatementReference;
  readonly effect: Effect;
  readonly principals: PrincipalSet | undefined;
  readonly actions: ActionSet;
  readonly resources: ResourceSet;
  readonly conditions: readonly Condition[];
}

export class Statement {
  readonly reference: StatementReference;
  readonly effect: Effect;
  /** Of a request that it decides: made once, so that an evaluation allocates nothing. */
  readonly decision: Decision;
  /** Undefined outside of bucket policies. */
  readonly principals: PrincipalSet | undefined;
  readonly actions: ActionSet;
  readonly resources: ResourceSet;
  readonly conditions: readonly Condition[];

  constructor(elements: StatementElements) {
    this.reference = elements.reference;
    this.effect = elements.effect;
    this.decision = { decision: elements.effect === "Allow" ? "allow" : "deny", statement: elements.reference };
    this.principals = elements.principals;
    this.actions = elements.actions;
    this.resources = elements.resources;
    this.conditions = elements.conditions;
  }

  /** Undefined where the statement applies. `actionIndex` is that of the request's action. */
  mismatch(actionIndex: number, request: PolicyRequest): Mismatch | undefined {
    if (!this.actions.has(actionIndex)) return "action";
    if (this.principals !== undefined && !this.principals.covers(request.principal)) return "principal";
    if (!this.resources.covers(request, this.effect === "Deny")) return "resource";
    for (const condition of this.conditions) {
      if (!condition.holds(request)) return condition;
    }
    return undefined;
  }
}

/** Throws POLICY_MALFORMED. */
export function parsePolicy(document: string, options: PolicyOptions): Policy {
  const { policyBytesMax, policyDepthMax } = ACCESS_LIMITS;
  const bytesMax = options.bytesMax ?? policyBytesMax;
  // A character is at least one byte: what is far too long is not encoded first.
  if (document.length > bytesMax || utf8(document).length > bytesMax) {
    throw malformed("", `it is longer than ${bytesMax} bytes.`);
  }
  const root = parseJson(document, policyDepthMax);
  if (!isObject(root)) throw malformed("", "it is not a JSON object.");
  refuseUnknown(root, ["Version", "Id", "Statement"], "");
  const version = parseVersion(root.get("Version"));
  const id = optionalText(root, "Id", "");
  const parse = (value: JsonValue, index: number, path: string): Statement =>
    parseStatement(value, { ...options, index, variables: version === "2012-10-17" }, path);
  const statements = parseStatements(root.get("Statement"), parse);
  return {
    name: options.name,
    source: options.source,
    version,
    id,
    statements,
    denies: statements.filter((statement) => statement.effect === "Deny"),
    allows: statements.filter((statement) => statement.effect === "Allow"),
  };
}

function parseVersion(value: JsonValue | undefined): Policy["version"] {
  // The older one is what AWS takes a document without a version for.
  if (value === undefined) return "2008-10-17";
  if (value === "2008-10-17" || value === "2012-10-17") return value;
  throw malformed("Version", 'it has to be "2012-10-17" or "2008-10-17".');
}

function parseStatements(
  value: JsonValue | undefined,
  parse: (value: JsonValue, index: number, path: string) => Statement,
): readonly Statement[] {
  if (isObject(value)) return [parse(value, 0, "Statement")];
  if (!isList(value) || value.length === 0) throw malformed("Statement", "it has to be a list of statements.");
  const statements = value.map((each, index) => parse(each, index, element("Statement", index)));
  const sids = new Set<string>();
  for (const { reference } of statements) {
    if (reference.sid === undefined || reference.sid === "") continue;
    const path = member(element("Statement", reference.index), "Sid");
    if (sids.has(reference.sid)) throw malformed(path, `${quoted(reference.sid)} is taken by another statement.`);
    sids.add(reference.sid);
  }
  return statements;
}

interface StatementSyntax extends PolicyOptions {
  readonly index: number;
  readonly variables: boolean;
}

const ELEMENTS = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
] as const;

function parseStatement(value: JsonValue, syntax: StatementSyntax, path: string): Statement {
  if (!isObject(value)) throw malformed(path, "a statement is an object.");
  refuseUnknown(value, ELEMENTS, path);
  const { name, source, index, variables } = syntax;
  const effect = value.get("Effect");
  if (effect !== "Allow" && effect !== "Deny") throw malformed(member(path, "Effect"), "it has to be Allow or Deny.");
  const denies = effect === "Deny";
  const services = source === "bucket" ? ["s3"] : ["s3", "ashlar"];
  const conditions = value.get("Condition");
  const actions = oneOf(value, "Action", path);
  const resources = oneOf(value, "Resource", path);
  return new Statement({
    reference: { source, policy: name, index, sid: optionalText(value, "Sid", path) },
    effect,
    principals: parsePrincipalElement(value, syntax, denies, path),
    actions: parseActions(actions.value, { negated: actions.negated, services }, actions.path),
    resources: parseResources(resources.value, { negated: resources.negated, variables }, resources.path),
    conditions:
      conditions === undefined ? [] : parseConditions(conditions, { variables, denies }, member(path, "Condition")),
  });
}

function parsePrincipalElement(
  statement: JsonObject,
  syntax: StatementSyntax,
  denies: boolean,
  path: string,
): PrincipalSet | undefined {
  if (syntax.source === "bucket") {
    const { value, negated, path: inside } = oneOf(statement, "Principal", path);
    return parsePrincipals(value, { negated, denies }, inside);
  }
  for (const name of ["Principal", "NotPrincipal"]) {
    if (statement.has(name)) throw malformed(member(path, name), "only a bucket policy names principals.");
  }
  return undefined;
}

interface Element {
  readonly value: JsonValue;
  readonly negated: boolean;
  readonly path: string;
}

/** An element or its Not form: exactly one of the two. */
function oneOf(statement: JsonObject, name: "Action" | "Resource" | "Principal", path: string): Element {
  const plain = statement.get(name);
  const not = statement.get(`Not${name}`);
  if (plain !== undefined && not !== undefined) {
    throw malformed(member(path, `Not${name}`), `${name} is there too; a statement takes one of the two.`);
  }
  if (plain !== undefined) return { value: plain, negated: false, path: member(path, name) };
  if (not !== undefined) return { value: not, negated: true, path: member(path, `Not${name}`) };
  throw malformed(member(path, name), `it is missing, and Not${name} too.`);
}

function optionalText(object: JsonObject, name: string, path: string): string | undefined {
  const value = object.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw malformed(member(path, name), "it has to be text.");
}

function refuseUnknown(object: JsonObject, known: readonly string[], path: string): void {
  for (const name of object.keys()) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    throw malformed(member(path, name), `there is no such element${close === undefined ? "" : `; ${close} is near`}.`);
  }
}
