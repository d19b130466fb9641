// A strict JSON parser for policy documents. JSON.parse would keep the last of two members with one name without a
// word, and a reader of the policy sees the first: here that is an error. Objects are Maps, so that no name of a member
// has a meaning of its own. Every fault names its line and column.

import { malformed, quoted } from "./fault.ts";

export type JsonValue = string | number | boolean | null | JsonList | JsonObject;
export type JsonList = readonly JsonValue[];
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** Throws POLICY_MALFORMED where the text is not one JSON value, or nests deeper than `depthMax`. */
export function parseJson(text: string, depthMax: number): JsonValue {
  return new Parser(text, depthMax).parse();
}

export function isList(value: JsonValue | undefined): value is JsonList {
  return Array.isArray(value);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

class Parser {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  parse(): JsonValue {
    const value = this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#fail("there is text behind the end of the document");
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > this.#depthMax) this.#fail(`the document nests deeper than ${this.#depthMax} levels`);
    this.#take(SPACE);
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#list(depth);
    if (first === '"') return this.#string();
    const word = this.#take(WORD) ?? this.#take(NUMBER);
    if (word === undefined) this.#fail("a JSON value is missing or not well formed");
    return JSON.parse(word) as JsonValue;
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#at++;
    if (this.#skips("}")) return members;
    do {
      this.#take(SPACE);
      const at = this.#at;
      if (this.#text[at] !== '"') this.#fail("a member's name in quotes is missing");
      const name = this.#string();
      if (members.has(name)) this.#fail(`the member ${quoted(name)} occurs twice`, at);
      if (!this.#skips(":")) this.#fail("a colon is missing");
      members.set(name, this.#value(depth + 1));
    } while (this.#skips(","));
    if (!this.#skips("}")) this.#fail("a comma or closing brace is missing");
    return members;
  }

  #list(depth: number): JsonList {
    const elements: JsonValue[] = [];
    this.#at++;
    if (this.#skips("]")) return elements;
    do elements.push(this.#value(depth + 1));
    while (this.#skips(","));
    if (!this.#skips("]")) this.#fail("a comma or closing bracket is missing");
    return elements;
  }

  #string(): string {
    const from = this.#at;
    let code = this.#text.charCodeAt(++this.#at);
    while (code !== QUOTE) {
      if (Number.isNaN(code) || code < 0x20) this.#fail("a string does not end or holds a control character");
      this.#at += code === BACKSLASH ? 2 : 1;
      code = this.#text.charCodeAt(this.#at);
    }
    this.#at++;
    const value = unescaped(this.#text.slice(from, this.#at));
    if (value === undefined) this.#fail("a string holds an escape that JSON does not know", from);
    if (!value.isWellFormed()) this.#fail("a string holds half of a surrogate pair", from);
    return value;
  }

  #skips(mark: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(problem: string, at = this.#at): never {
    const before = this.#text.slice(0, at).split("\n");
    throw malformed("", `line ${before.length}, column ${before.at(-1)!.length + 1}: ${problem}.`);
  }
}

function unescaped(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
