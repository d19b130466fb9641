// The request target as it was sent, and its canonical spellings.
//
// S3 signs the path as it stands: escaped once, with `.`, `..` and `//` left alone. A client that escapes like
// everybody else sends the canonical spelling already; for the others ("~" as "%7E", lower-case hexadecimal, a bare
// "'") the target is unescaped and escaped again, which leaves its meaning as it is.

export interface Target {
  readonly path: string;
  /** Without "?"; empty where there is none. */
  readonly query: string;
}

export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

/** Splits an origin-form target, or the absolute form that a client sends to a proxy. */
export function splitTarget(target: string): Target {
  const origin = target.charCodeAt(0) === SLASH ? target : target.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = origin.indexOf("?");
  if (mark === -1) return { path: origin === "" ? "/" : origin, query: "" };
  return { path: mark === 0 ? "/" : origin.slice(0, mark), query: origin.slice(mark + 1) };
}

/**
 * The query's parameters in the order sent, unescaped to byte strings. "+" is a space, as in a form: verification
 * canonicalises by the same rule, so a gateway that reads queries with this acts on what was signed.
 */
export function parseQuery(query: string): QueryParameter[] {
  const parameters: QueryParameter[] = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals === -1 ? part : part.slice(0, equals);
    parameters.push({ name: unescapeForm(name), value: equals === -1 ? "" : unescapeForm(part.slice(equals + 1)) });
  }
  return parameters;
}

/** The canonical query made of the escapes as they were sent, without the parameter of the given name. */
export function sortedQuery(query: string, without?: string): string {
  if (query === "") return "";
  const pairs: string[] = [];
  let asSent = true;
  for (const part of query.split("&")) {
    const keep = part !== "" && (without === undefined || !part.startsWith(`${without}=`));
    const pair = part.includes("=") ? part : `${part}=`;
    asSent = asSent && keep && pair === part && (pairs.length === 0 || comparePairs(pairs.at(-1)!, pair) <= 0);
    if (keep) pairs.push(pair);
  }
  return asSent ? query : pairs.sort(comparePairs).join("&");
}

/** The canonical query made by unescaping and escaping again, without the parameter of the given name. */
export function escapedQuery(query: string, without?: string): string {
  const kept = parseQuery(query).filter(({ name }) => name !== without);
  const pairs = kept.map(({ name, value }) => `${escapeBytes(name, false)}=${escapeBytes(value, false)}`);
  return pairs.sort(comparePairs).join("&");
}

/** The path unescaped and escaped again; an escaped slash becomes a plain one, as it does in a key. */
export function escapedPath(path: string): string {
  return escapeBytes(unescapeBytes(path), true);
}

/**
 * Escapes every byte of a byte string but letters, digits, "-", ".", "_", "~" and (where told) "/".
 * Text with characters above U+00FF was never a byte string: it is taken as UTF-8.
 */
export function escapeBytes(bytes: string, keepSlash: boolean): string {
  if (keepSlash ? /^[A-Za-z0-9\-._~/]*$/.test(bytes) : /^[A-Za-z0-9\-._~]*$/.test(bytes)) return bytes;
  let out = "";
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes.charCodeAt(at);
    if (code > 0xff) return escapeBytes(byteString(bytes), keepSlash);
    out += isUnreserved(code) || (keepSlash && code === SLASH) ? bytes[at]! : ESCAPES[code]!;
  }
  return out;
}

/** The byte string that carries the text as UTF-8. */
export function byteString(text: string): string {
  return unescapeBytes(encodeURIComponent(text.toWellFormed()));
}

const SLASH = 0x2f;
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, code) => {
  return `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** A "%" that no two hexadecimal digits follow stays what it is. */
function unescapeBytes(escaped: string): string {
  if (!escaped.includes("%")) return escaped;
  return escaped.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function unescapeForm(escaped: string): string {
  return unescapeBytes(escaped.includes("+") ? escaped.replaceAll("+", " ") : escaped);
}

/** By the escaped name, then by the escaped value: "a=2" stands before "a-b=1", although "=" is behind "-". */
function comparePairs(left: string, right: string): number {
  const leftName = left.slice(0, left.indexOf("="));
  const rightName = right.slice(0, right.indexOf("="));
  if (leftName !== rightName) return leftName < rightName ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}

function isUnreserved(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f ||
    code === 0x7e
  );
}
