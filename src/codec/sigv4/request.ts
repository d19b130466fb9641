import { sigV4Failure } from "./errors.ts";

/**
 * The head of an HTTP request, byte for byte as it was sent: all strings are byte strings, one character for each byte.
 * Rebuilding any of it (a parsed URL, a header map) would lose what the client signed.
 */
export interface RequestHead {
  readonly method: string;
  /** Path and query, still escaped. */
  readonly target: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** The value of each header of that name, in order. `name` is in lower case. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (isNamed(rawHeaders[at]!, name)) values.push(rawHeaders[at + 1]!);
  }
  return values;
}

export function isNamed(rawName: string, name: string): boolean {
  return rawName.length === name.length && (rawName === name || rawName.toLowerCase() === name);
}

/** True for a header whose name begins with `x-amz-`, in any case. */
export function isAmzHeader(rawName: string): boolean {
  return (
    rawName.length > 6 &&
    (rawName.charCodeAt(0) | 0x20) === 0x78 &&
    rawName.charCodeAt(1) === 0x2d &&
    rawName.slice(2, 6).toLowerCase() === "amz-"
  );
}

/** A header value without white space around it and with each run of white space inside as one space. */
export function collapseSpaces(value: string): string {
  const untouched =
    value.charCodeAt(0) !== SPACE &&
    value.charCodeAt(value.length - 1) !== SPACE &&
    !value.includes("  ") &&
    !value.includes("\t");
  return untouched ? value : value.replace(/[ \t]+/g, " ").replace(/^ | $/g, "");
}

const SPACE = 0x20;

/** The headers that say who a request is from. */
export interface AuthorizationHeaders {
  authorization: string | undefined;
  amzDate: string | undefined;
  date: string | undefined;
  contentSha256: string | undefined;
  securityToken: string | undefined;
}

/** Found in one walk; their lengths tell nearly all names apart. Each may be sent once. */
export function authorizationHeaders(rawHeaders: readonly string[]): AuthorizationHeaders {
  const found: AuthorizationHeaders = {
    authorization: undefined,
    amzDate: undefined,
    date: undefined,
    contentSha256: undefined,
    securityToken: undefined,
  };
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    const value = rawHeaders[at + 1]!;
    if (name.length === 13 && isNamed(name, "authorization")) found.authorization = once(found.authorization, value);
    else if (name.length === 10 && isNamed(name, "x-amz-date")) found.amzDate = once(found.amzDate, value);
    else if (name.length === 4 && isNamed(name, "date")) found.date = once(found.date, value);
    else if (name.length !== 20) continue;
    else if (isNamed(name, "x-amz-content-sha256")) found.contentSha256 = once(found.contentSha256, value);
    else if (isNamed(name, "x-amz-security-token")) found.securityToken = once(found.securityToken, value);
  }
  return found;
}

function once(before: string | undefined, value: string): string {
  if (before !== undefined)
    throw sigV4Failure("AUTHORIZATION_HEADER_MALFORMED", { what: "A header that authorizes was sent twice." });
  return value;
}
