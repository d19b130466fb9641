import { s3Failure } from "./errors.ts";

const PARAMETERS_MAX = 256;

/**
 * The parameters of a query, unescaped, in one pass. "+" is a space, as in a form, which is how signatures read it too.
 * `tagging` and `tagging=` are the same. Of a name that is sent twice the first counts.
 */
export class Query {
  static readonly NONE: Query = new Query("");
  readonly #values = new Map<string, string>();

  constructor(text: string) {
    let from = 0;
    while (from < text.length) {
      let to = text.indexOf("&", from);
      if (to === -1) to = text.length;
      if (to > from) this.#add(text.slice(from, to));
      from = to + 1;
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get size(): number {
    return this.#values.size;
  }

  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  names(): IterableIterator<string> {
    return this.#values.keys();
  }

  #add(part: string): void {
    const equals = part.indexOf("=");
    const name = unescapeText(equals === -1 ? part : part.slice(0, equals), true);
    // SDKs name their operation with it, S3 does not look at it, and a query without parameters takes a shorter way.
    if (name === "x-id" || this.#values.has(name)) return;
    if (this.#values.size === PARAMETERS_MAX)
      throw s3Failure("InvalidURI", { what: "The query has too many parameters." });
    this.#values.set(name, equals === -1 ? "" : unescapeText(part.slice(equals + 1), true));
  }
}

const ESCAPED = /[%\u0080-\u{10ffff}]/u;

/** Undoes percent escapes; fails with InvalidURI where the result is not UTF-8. */
export function unescapeText(text: string, plusIsSpace: boolean): string {
  const spaced = plusIsSpace && text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!ESCAPED.test(spaced)) return spaced;
  try {
    return decodeURIComponent(escapeRawBytes(spaced));
  } catch (cause) {
    throw s3Failure("InvalidURI", { cause, data: { URI: text } });
  }
}

/** Some clients send UTF-8 without escapes. The HTTP parser hands it on as one character for each byte. */
function escapeRawBytes(text: string): string {
  return text.replace(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
}

const PLAIN = /^[A-Za-z0-9\-._~/]*$/;

/** For `encoding-type=url`: everything but letters, digits and `-._~/` as escapes of its UTF-8. */
export function escapeKey(key: string): string {
  if (PLAIN.test(key)) return key;
  return encodeURIComponent(key.toWellFormed())
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
