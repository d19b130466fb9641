// The condition operators of IAM. Each family compares one value of the request with the values that the policy lists;
// negation, IfExists, the set operators and absent keys are the same for all and live in condition.ts.

import { equalBytes, fromBase64, utf8 } from "../../../std/bytes.ts";
import { type IpAddress, ipBlockContains, parseIpAddress, parseIpBlock } from "../../../std/ip-address.ts";
import { malformed, quoted } from "./fault.ts";
import type { PolicyRequest } from "./request.ts";
import { isVariable, parseTemplate, Template, type TemplatePart } from "./template.ts";
import { parseTime } from "./time.ts";

/** The values that a policy lists for one operator and key. */
export interface ValueMatcher {
  /** True where the request's value matches one of them. */
  matches(value: string, request: PolicyRequest): boolean;
  /** False where a variable among them has no value in this request. */
  isResolved(request: PolicyRequest): boolean;
}

export interface ListedValue {
  readonly text: string;
  readonly path: string;
}

export interface Operator {
  readonly negated: boolean;
  /** Throws POLICY_MALFORMED where a value can not be one of this operator. */
  compile(values: readonly ListedValue[], variables: boolean): ValueMatcher;
}

type Compile = Operator["compile"];
type Compare = (left: number, right: number) => boolean;

const EQUAL: Compare = (left, right) => left === right;
const LESS: Compare = (left, right) => left < right;
const LESS_EQUAL: Compare = (left, right) => left <= right;
const GREATER: Compare = (left, right) => left > right;
const GREATER_EQUAL: Compare = (left, right) => left >= right;

/** Null is not among them: it looks at the key, not at its value. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: { negated: false, compile: stringEquals },
  StringNotEquals: { negated: true, compile: stringEquals },
  StringEqualsIgnoreCase: { negated: false, compile: stringEqualsIgnoreCase },
  StringNotEqualsIgnoreCase: { negated: true, compile: stringEqualsIgnoreCase },
  StringLike: { negated: false, compile: stringLike },
  StringNotLike: { negated: true, compile: stringLike },
  NumericEquals: { negated: false, compile: ordered(parseNumber, EQUAL, "number") },
  NumericNotEquals: { negated: true, compile: ordered(parseNumber, EQUAL, "number") },
  NumericLessThan: { negated: false, compile: ordered(parseNumber, LESS, "number") },
  NumericLessThanEquals: { negated: false, compile: ordered(parseNumber, LESS_EQUAL, "number") },
  NumericGreaterThan: { negated: false, compile: ordered(parseNumber, GREATER, "number") },
  NumericGreaterThanEquals: { negated: false, compile: ordered(parseNumber, GREATER_EQUAL, "number") },
  DateEquals: { negated: false, compile: ordered(parseTime, EQUAL, "ISO 8601 date") },
  DateNotEquals: { negated: true, compile: ordered(parseTime, EQUAL, "ISO 8601 date") },
  DateLessThan: { negated: false, compile: ordered(parseTime, LESS, "ISO 8601 date") },
  DateLessThanEquals: { negated: false, compile: ordered(parseTime, LESS_EQUAL, "ISO 8601 date") },
  DateGreaterThan: { negated: false, compile: ordered(parseTime, GREATER, "ISO 8601 date") },
  DateGreaterThanEquals: { negated: false, compile: ordered(parseTime, GREATER_EQUAL, "ISO 8601 date") },
  Bool: { negated: false, compile: ordered(parseBool, EQUAL, "true or false") },
  BinaryEquals: { negated: false, compile: binaryEquals },
  IpAddress: { negated: false, compile: ipAddress },
  NotIpAddress: { negated: true, compile: ipAddress },
  ArnEquals: { negated: false, compile: arnLike },
  ArnLike: { negated: false, compile: arnLike },
  ArnNotEquals: { negated: true, compile: arnLike },
  ArnNotLike: { negated: true, compile: arnLike },
};

/** True or false in any case, as 1 or 0. */
export function parseBool(text: string): number | undefined {
  if (text === "true") return 1;
  const lower = text.toLowerCase();
  if (lower === "true") return 1;
  return lower === "false" ? 0 : undefined;
}

function stringEquals(values: readonly ListedValue[], variables: boolean): ValueMatcher {
  return exactly(values, variables, (text) => text);
}

function stringEqualsIgnoreCase(values: readonly ListedValue[], variables: boolean): ValueMatcher {
  return exactly(values, variables, (text) => text.toLowerCase());
}

function exactly(values: readonly ListedValue[], variables: boolean, fold: (text: string) => string): ValueMatcher {
  const fixed = new Set<string>();
  const open: Template[] = [];
  for (const { text, path } of values) {
    const parts = parseTemplate(text, { wildcards: false, variables }, path);
    if (parts.some(isVariable)) open.push(new Template(parts));
    else fixed.add(fold(parts.join("")));
  }
  return {
    matches(value, request) {
      const folded = fold(value);
      if (fixed.has(folded)) return true;
      return open.some((template) => {
        const text = template.textIn(request);
        return text !== undefined && fold(text) === folded;
      });
    },
    isResolved: (request) => open.every((template) => template.isResolved(request)),
  };
}

function stringLike(values: readonly ListedValue[], variables: boolean): ValueMatcher {
  const templates = values.map(
    ({ text, path }) => new Template(parseTemplate(text, { wildcards: true, variables }, path)),
  );
  return {
    matches(value, request) {
      for (const template of templates) if (template.matches(value, request)) return true;
      return false;
    },
    isResolved: (request) => templates.every((template) => template.isResolved(request)),
  };
}

/** Operators over values that are numbers inside. What the request gives and is none matches nothing. */
function ordered(parse: (text: string) => number | undefined, compare: Compare, form: string): Compile {
  return (values) => {
    const listed = values.map(({ text, path }) => {
      const number = parse(text);
      if (number === undefined) throw malformed(path, `${quoted(text)} is no ${form}.`);
      return number;
    });
    return always((value) => {
      const number = parse(value);
      return number !== undefined && listed.some((right) => compare(number, right));
    });
  };
}

function binaryEquals(values: readonly ListedValue[]): ValueMatcher {
  const listed = values.map(({ text, path }) => {
    const bytes = fromBase64(text);
    if (bytes === undefined) throw malformed(path, `${quoted(text)} is not base64.`);
    return bytes;
  });
  return always((value) => listed.some((bytes) => equalBytes(bytes, utf8(value))));
}

function ipAddress(values: readonly ListedValue[]): ValueMatcher {
  const blocks = values.map(({ text, path }) => {
    const block = parseIpBlock(text);
    if (block === undefined) throw malformed(path, `${quoted(text)} is no address and no CIDR block.`);
    return block;
  });
  // Clients come with many requests from one address.
  let last: { readonly text: string; readonly address: IpAddress | undefined } | undefined;
  return always((value) => {
    if (last?.text !== value) last = { text: value, address: parseIpAddress(value) };
    const { address } = last;
    return address !== undefined && blocks.some((block) => ipBlockContains(block, address));
  });
}

const ARN_PARTS = 6;

/** Part by part: a wildcard does not reach over a colon, but in the last part, which holds the rest. */
function arnLike(values: readonly ListedValue[], variables: boolean): ValueMatcher {
  const arns = values.map(({ text, path }) => {
    const parts = arnTemplates(parseTemplate(text, { wildcards: true, variables }, path));
    if (parts.length !== ARN_PARTS || !text.startsWith("arn:")) {
      throw malformed(path, `${quoted(text)} is no ARN: it has to begin with arn: and have six parts.`);
    }
    return parts;
  });
  return {
    matches(value, request) {
      const parts = arnParts(value);
      return (
        parts !== undefined && arns.some((arn) => arn.every((part, index) => part.matches(parts[index]!, request)))
      );
    },
    isResolved: (request) => arns.every((arn) => arn.every((part) => part.isResolved(request))),
  };
}

/** Cuts at the first five colons outside of variables. */
function arnTemplates(parts: readonly TemplatePart[]): Template[] {
  const cut: TemplatePart[][] = [[]];
  for (const part of parts) {
    if (typeof part !== "string" || isVariable(part)) {
      cut.at(-1)!.push(part);
      continue;
    }
    let rest = part;
    for (let colon = rest.indexOf(":"); colon >= 0 && cut.length < ARN_PARTS; colon = rest.indexOf(":")) {
      if (colon > 0) cut.at(-1)!.push(rest.slice(0, colon));
      cut.push([]);
      rest = rest.slice(colon + 1);
    }
    if (rest !== "") cut.at(-1)!.push(rest);
  }
  return cut.map((own) => new Template(own));
}

function arnParts(value: string): string[] | undefined {
  const parts = value.split(":");
  if (parts.length < ARN_PARTS) return undefined;
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(":")];
}

function parseNumber(text: string): number | undefined {
  if (text.length > 64 || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function always(matches: (value: string) => boolean): ValueMatcher {
  return { matches, isResolved: () => true };
}
