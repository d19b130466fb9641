// The Condition of a statement: all entries have to hold. An entry is an operator, a key and the values that the policy
// lists.
//
//   key in the request            plain             ...IfExists       ForAllValues:     ForAnyValue:
//   absent                        negated?          true              true              false
//   one value                     match != negated  match != negated  match != negated  match != negated
//   several values                any match,        any match,        all of            any of
//                                 then negated      then negated      (match != neg.)   (match != neg.)
//
// ForAllValues and ForAnyValue take an empty value for an absent key, and IfExists adds nothing to them, as AWS
// documents. A variable without a value matches nothing. Behind a negated operator that would make the entry true;
// there the entry is false in an Allow and true in a Deny: what is not known opens no door. The same holds for a value
// too long to be looked at.

import { ACCESS_LIMITS } from "../limits.ts";
import type { ConditionValue } from "./condition-keys.ts";
import { element, malformed, member, quoted } from "./fault.ts";
import { isList, isObject, type JsonValue } from "./json.ts";
import { type KeyReference, keyReference } from "./key-reference.ts";
import { nearest } from "./nearest.ts";
import { type ListedValue, OPERATORS, type Operator, parseBool } from "./operators.ts";
import type { PolicyRequest } from "./request.ts";

export type Quantifier = "one" | "ForAllValues" | "ForAnyValue";

export interface Condition {
  /** As it is written, with qualifier and suffix. */
  readonly operator: string;
  readonly key: KeyReference;
  readonly values: readonly string[];
  holds(request: PolicyRequest): boolean;
}

export interface ConditionSyntax {
  readonly variables: boolean;
  readonly denies: boolean;
}

/** Throws POLICY_MALFORMED where an operator, a key or a value is not one. */
export function parseConditions(value: JsonValue, syntax: ConditionSyntax, path: string): readonly Condition[] {
  if (!isObject(value)) throw malformed(path, "it is an object of operators.");
  const conditions: Condition[] = [];
  for (const [operator, keys] of value) {
    const inside = member(path, operator);
    const form = parseOperator(operator, inside);
    if (!isObject(keys)) throw malformed(inside, "it is an object of condition keys.");
    for (const [name, listed] of keys) {
      const values = parseValues(listed, member(inside, name));
      conditions.push(compile(form, keyReference(name, member(inside, name)), values, syntax));
    }
  }
  return conditions;
}

interface OperatorForm {
  readonly written: string;
  readonly quantifier: Quantifier;
  readonly ifExists: boolean;
  /** Undefined: Null. */
  readonly operator: Operator | undefined;
}

const NAMES_BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  [...Object.keys(OPERATORS), "Null"].map((name) => [name.toLowerCase(), name]),
);

function parseOperator(written: string, path: string): OperatorForm {
  const match = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/i.exec(written);
  const name = match === null ? undefined : NAMES_BY_LOWER_CASE.get(match[2]!.toLowerCase());
  if (match === null || name === undefined) {
    const close = nearest(written, [...NAMES_BY_LOWER_CASE.values()]);
    throw malformed(path, `${quoted(written)} is no operator${close === undefined ? "" : `; ${close} is near`}.`);
  }
  const ifExists = match[3] !== undefined;
  if (name === "Null" && (ifExists || match[1] !== undefined)) {
    throw malformed(path, "Null asks whether the key is there; it takes neither IfExists nor a set operator.");
  }
  return { written, quantifier: quantifierOf(match[1]), ifExists, operator: OPERATORS[name] };
}

function quantifierOf(prefix: string | undefined): Quantifier {
  if (prefix === undefined) return "one";
  return prefix.toLowerCase() === "forallvalues" ? "ForAllValues" : "ForAnyValue";
}

function parseValues(value: JsonValue, path: string): readonly ListedValue[] {
  if (!isList(value)) return [{ text: scalar(value, path), path }];
  if (value.length === 0) throw malformed(path, "the list of values is empty.");
  return value.map((entry, index) => ({ text: scalar(entry, element(path, index)), path: element(path, index) }));
}

function scalar(value: JsonValue, path: string): string {
  if (value === null || typeof value === "object") throw malformed(path, "a value is text, a number or a truth value.");
  return String(value);
}

function compile(
  form: OperatorForm,
  key: KeyReference,
  listed: readonly ListedValue[],
  syntax: ConditionSyntax,
): Condition {
  const { written: operator, quantifier, ifExists } = form;
  const values = listed.map(({ text }) => text);
  if (form.operator === undefined) return nullCondition(operator, key, listed);
  const { negated } = form.operator;
  const matcher = form.operator.compile(listed, syntax.variables);
  const ifAbsent = quantifier === "one" ? ifExists || negated : quantifier === "ForAllValues";
  const combine = COMBINED[quantifier];
  return {
    operator,
    key,
    values,
    holds(request) {
      const value = key.read(request);
      if (isAbsent(value, quantifier)) return ifAbsent;
      if (isTooLong(value) || (negated && !matcher.isResolved(request))) return syntax.denies;
      if (typeof value === "string") return matcher.matches(value, request) !== negated;
      return combine(value, (each) => matcher.matches(each, request), negated);
    },
  };
}

function isAbsent(value: ConditionValue, quantifier: Quantifier): value is undefined {
  if (value === undefined) return true;
  if (quantifier === "one") return typeof value !== "string" && value.length === 0;
  return typeof value === "string" ? value === "" : value.every((each) => each === "");
}

function isTooLong(value: string | readonly string[]): boolean {
  const { conditionCharactersMax } = ACCESS_LIMITS;
  if (typeof value === "string") return value.length > conditionCharactersMax;
  return value.reduce((length, each) => length + each.length, value.length) > conditionCharactersMax;
}

type Combine = (values: readonly string[], matches: (value: string) => boolean, negated: boolean) => boolean;

const COMBINED: Readonly<Record<Quantifier, Combine>> = {
  one: (values, matches, negated) => values.some(matches) !== negated,
  ForAllValues: (values, matches, negated) => values.every((value) => matches(value) !== negated),
  ForAnyValue: (values, matches, negated) => values.some((value) => matches(value) !== negated),
};

function nullCondition(operator: string, key: KeyReference, listed: readonly ListedValue[]): Condition {
  const wanted = listed.map(({ text, path }) => {
    const flag = parseBool(text);
    if (flag === undefined) throw malformed(path, `${quoted(text)} is not true or false.`);
    return flag === 1;
  });
  return {
    operator,
    key,
    values: listed.map(({ text }) => text),
    holds(request) {
      return wanted.includes(isAbsent(key.read(request), "one"));
    },
  };
}
