// The Resource and NotResource of a statement. A pattern may write wildcards in any part of an ARN but the service;
// what can not match this server's fixed parts (see arn.ts) is refused, so that a policy made for another account or
// region is never silently read as one for this server.

import { element, malformed, quoted } from "./fault.ts";
import { isList, type JsonValue } from "./json.ts";
import type { PolicyRequest } from "./request.ts";
import { parseTemplate, Template } from "./template.ts";
import { ANY_RUN, Wildcard, wildcardTokens } from "./wildcard.ts";

/** What a statement's Resource or NotResource covers. */
export class ResourceSet {
  readonly negated: boolean;
  readonly templates: readonly Template[];

  constructor(templates: readonly Template[], negated: boolean) {
    this.templates = templates;
    this.negated = negated;
  }

  /** `unresolved` is the answer of NotResource where a variable has no value. */
  covers(request: PolicyRequest, unresolved: boolean): boolean {
    for (const template of this.templates) {
      if (template.matches(request.resource, request)) return !this.negated;
    }
    if (!this.negated) return false;
    return this.templates.every((template) => template.isResolved(request)) || unresolved;
  }
}

export interface ResourceSyntax {
  readonly negated: boolean;
  readonly variables: boolean;
}

/** Throws POLICY_MALFORMED where an entry is no ARN of this server. */
export function parseResources(value: JsonValue, syntax: ResourceSyntax, path: string): ResourceSet {
  if (!isList(value)) return new ResourceSet([parsePattern(value, syntax, path)], syntax.negated);
  if (value.length === 0) throw malformed(path, "the list is empty.");
  const templates = value.map((pattern, index) => parsePattern(pattern, syntax, element(path, index)));
  return new ResourceSet(templates, syntax.negated);
}

/** Parts of an ARN in front of the resource. */
const FIXED_PARTS = ["arn", "aws", undefined, "", ""] as const;
const PART_NAMES = ["scheme", "partition", "service", "region", "account"] as const;

function parsePattern(value: JsonValue, syntax: ResourceSyntax, path: string): Template {
  if (typeof value !== "string") throw malformed(path, "a resource is text, such as arn:aws:s3:::bucket/key.");
  if (value === "*") return new Template([ANY_RUN]);
  const parts = value.split(":");
  if (parts.length < 6) throw malformed(path, `${quoted(value)} is no ARN: arn:aws:s3:::bucket/key has six parts.`);
  const service = parts[2]!;
  if (service !== "s3" && service !== "ashlar") {
    throw malformed(path, `${quoted(value)} is a resource of another service than s3 and ashlar.`);
  }
  for (const [index, fixed] of FIXED_PARTS.entries()) {
    if (fixed === undefined || new Wildcard(wildcardTokens(parts[index]!)).matches(fixed)) continue;
    throw malformed(path, `the ${PART_NAMES[index]} of ${quoted(value)} has to be ${quoted(fixed)} on this server.`);
  }
  const name = parts.slice(5).join(":");
  if (name === "" || name.startsWith("/")) throw malformed(path, `${quoted(value)} names no resource.`);
  const prefix = `arn:aws:${service}:::`;
  return new Template([prefix, ...parseTemplate(name, { wildcards: true, variables: syntax.variables }, path)]);
}
