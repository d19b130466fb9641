// Reads one value of EDN, the notation in which Jepsen keeps its histories, as what JSON would say in its place: keywords and symbols
// are texts, nil is null, lists, vectors and sets are arrays, a map is an object by its keys' texts. A tag is passed over,
// `#jepsen.history.Op{...}` is its map.

/** Values within values: a history has few. */
const DEPTH_MAX = 100;
const SPACE = /(?:[\s,]+|;.*)*/y;
/** A text, a bracket, a tag or the like, else everything up to the next of them. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|#\{|#_|#|[()[\]{}]|\\[^\s,()[\]{}]*|[^\s,()[\]{}";]+/y;
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[NM]?$/;
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "#{": "}" };

/** Throws SyntaxError, as JSON.parse does. */
export function parseEdn(text: string): unknown {
  const reader = new EdnReader(text);
  const value = reader.value(0);
  if (reader.next() !== undefined) throw new SyntaxError("more than one value");
  return value;
}

class EdnReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): string | undefined {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
    if (this.#at === this.#text.length) return undefined;
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.#text)?.[0];
    if (token === undefined) throw new SyntaxError("a text without its end");
    this.#at = TOKEN.lastIndex;
    return token;
  }

  value(depth: number): unknown {
    return this.#valueOf(this.next(), depth);
  }

  #valueOf(token: string | undefined, depth: number): unknown {
    if (token === undefined || depth > DEPTH_MAX) throw new SyntaxError("an end too early, or values too deep");
    const closing = CLOSING[token];
    if (closing !== undefined) {
      const values = this.#valuesUntil(closing, depth + 1);
      return token === "{" ? objectOf(values) : values;
    }
    if (token === "#") {
      this.next();
      return this.value(depth + 1);
    }
    if (token === "#_") {
      this.value(depth + 1);
      return this.value(depth + 1);
    }
    if (token === ")" || token === "]" || token === "}") throw new SyntaxError("a bracket that closes nothing");
    return atomOf(token);
  }

  #valuesUntil(closing: string, depth: number): unknown[] {
    const values: unknown[] = [];
    for (;;) {
      const token = this.next();
      if (token === closing) return values;
      if (token === "#_") this.value(depth);
      else values.push(this.#valueOf(token, depth));
    }
  }
}

function atomOf(token: string): unknown {
  if (token.startsWith('"')) return JSON.parse(token.replaceAll("\n", "\\n").replaceAll("\t", "\\t"));
  if (token === "nil") return null;
  if (token === "true" || token === "false") return token === "true";
  if (NUMBER.test(token)) return Number(token.replace(/[NM]$/, ""));
  return token.startsWith(":") || token.startsWith("\\") ? token.slice(1) : token;
}

function objectOf(values: readonly unknown[]): Record<string, unknown> {
  if (values.length % 2 !== 0) throw new SyntaxError("a map with a key that has no value");
  const entries: [string, unknown][] = [];
  for (let at = 0; at < values.length; at += 2) {
    const key = values[at];
    entries.push([typeof key === "string" ? key : JSON.stringify(key), values[at + 1]]);
  }
  return Object.fromEntries(entries);
}
