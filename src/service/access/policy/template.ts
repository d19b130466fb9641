// Text of a policy with wildcards and variables: `arn:aws:s3:::home/${aws:username}/*`. Variables exist in documents of
// version 2012-10-17 only, and stand for one value of the request; a wildcard in that value is an ordinary character.
// `${*}`, `${?}` and `${$}` are those characters themselves. A variable without a value and without a default makes the
// text match nothing.

import { malformed, quoted } from "./fault.ts";
import { type KeyReference, keyReference } from "./key-reference.ts";
import type { PolicyRequest } from "./request.ts";
import { ANY_ONE, ANY_RUN, type Token, Wildcard, wildcardTokens } from "./wildcard.ts";

export interface TemplateSyntax {
  readonly wildcards: boolean;
  readonly variables: boolean;
}

export interface Variable {
  readonly key: KeyReference;
  readonly fallback: string | undefined;
}

export type TemplatePart = Token | Variable;

export class Template {
  readonly parts: readonly TemplatePart[];
  /** Undefined where the text depends on the request. */
  readonly #fixed: Wildcard | undefined;

  constructor(parts: readonly TemplatePart[]) {
    this.parts = parts;
    this.#fixed = parts.some(isVariable) ? undefined : new Wildcard(parts as readonly Token[]);
  }

  get isFixed(): boolean {
    return this.#fixed !== undefined;
  }

  matches(text: string, request: PolicyRequest): boolean {
    if (this.#fixed !== undefined) return this.#fixed.matches(text);
    // What stands in front of the first wildcard is compared in place; most texts differ there already.
    let at = 0;
    let place = 0;
    for (; place < this.parts.length; place++) {
      const part = this.parts[place]!;
      if (part === ANY_ONE || part === ANY_RUN) break;
      const value = isVariable(part) ? valueIn(part, request) : part;
      if (value === undefined || !text.startsWith(value, at)) return false;
      at += value.length;
    }
    if (place === this.parts.length) return at === text.length;
    if (place === this.parts.length - 1 && this.parts[place] === ANY_RUN) return true;
    const tokens = resolve(this.parts.slice(place), request);
    return tokens !== undefined && new Wildcard(tokens).matches(text.slice(at));
  }

  /** False where a variable has no value in this request. */
  isResolved(request: PolicyRequest): boolean {
    return this.#fixed !== undefined || resolve(this.parts, request) !== undefined;
  }

  /** The text in this request, for a template without wildcards; undefined where a variable has no value. */
  textIn(request: PolicyRequest): string | undefined {
    return resolve(this.parts, request)?.join("");
  }

  /** The same text with each variable as a run: a superset of what it can match. */
  widened(): Token[] {
    return this.parts.map((part) => (isVariable(part) ? ANY_RUN : part));
  }
}

export function isVariable(part: TemplatePart): part is Variable {
  return typeof part === "object";
}

/** Throws POLICY_MALFORMED where a variable is not well formed or names no key. */
export function parseTemplate(text: string, syntax: TemplateSyntax, path: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < text.length) {
    const open = syntax.variables ? text.indexOf("${", at) : -1;
    const end = open < 0 ? text.length : open;
    if (end > at) parts.push(...plainParts(text.slice(at, end), syntax));
    if (open < 0) break;
    const close = text.indexOf("}", open);
    if (close < 0) throw malformed(path, `the variable ${quoted(text.slice(open))} has no closing brace.`);
    parts.push(variablePart(text.slice(open + 2, close), path));
    at = close + 1;
  }
  return parts;
}

function plainParts(text: string, syntax: TemplateSyntax): Token[] {
  return syntax.wildcards ? wildcardTokens(text) : [text];
}

/** `aws:username`, or `aws:username, 'default'`, or one of the three special characters. */
function variablePart(inside: string, path: string): TemplatePart {
  if (inside === "*" || inside === "?" || inside === "$") return inside;
  const match = /^\s*([^\s,']+)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inside);
  if (match === null) {
    throw malformed(path, `the variable ${quoted(inside)} is not a key, or a key and a default in single quotes.`);
  }
  const key = keyReference(match[1]!, path);
  if (key.several) throw malformed(path, `${key.name} can have several values, so it can not be a variable.`);
  return { key, fallback: match[2] };
}

/** Undefined where a variable has no value. */
function resolve(parts: readonly TemplatePart[], request: PolicyRequest): Token[] | undefined {
  const tokens: Token[] = [];
  for (const part of parts) {
    const token = isVariable(part) ? valueIn(part, request) : part;
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  return tokens;
}

function valueIn(variable: Variable, request: PolicyRequest): string | undefined {
  const value = variable.key.read(request) ?? variable.fallback;
  return typeof value === "string" ? value : undefined;
}
