import { text, utf8 } from "../../std/bytes.ts";

export interface CorsRule {
  readonly id?: string;
  /** Each may have one "*" for any run of characters. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  /** As the origins; compared without case. */
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface CorsQuestion {
  readonly origin: string;
  readonly method: string;
  /** Of a preflight: what the request itself will carry. */
  readonly headers: readonly string[];
}

export interface CorsMatch {
  readonly rule: CorsRule;
  /** What Access-Control-Allow-Origin says: "*" where the rule lets in everyone. */
  readonly origin: string;
}

/** The first rule that allows origin, method and all headers. */
export function matchCors(
  rules: readonly CorsRule[],
  { origin, method, headers }: CorsQuestion,
): CorsMatch | undefined {
  for (const rule of rules) {
    const allowed = rule.allowedOrigins.find((pattern) => matchesWildcard(pattern, origin));
    if (allowed === undefined || !rule.allowedMethods.includes(method)) continue;
    if (!headers.every((header) => allowsHeader(rule, header))) continue;
    return { rule, origin: allowed === "*" ? "*" : origin };
  }
  return undefined;
}

/** The headers of an answer to which a rule applies. `requested` are those that a preflight asked for. */
export function pushCors(headers: string[], { rule, origin }: CorsMatch, requested: readonly string[]): void {
  headers.push("Access-Control-Allow-Origin", origin);
  headers.push("Access-Control-Allow-Methods", rule.allowedMethods.join(", "));
  if (requested.length > 0) headers.push("Access-Control-Allow-Headers", requested.join(", "));
  if (rule.exposeHeaders.length > 0) headers.push("Access-Control-Expose-Headers", rule.exposeHeaders.join(", "));
  if (rule.maxAgeSeconds !== undefined) headers.push("Access-Control-Max-Age", String(rule.maxAgeSeconds));
  if (origin !== "*") headers.push("Access-Control-Allow-Credentials", "true");
  headers.push("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

export function matchesWildcard(pattern: string, value: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === value;
  const tail = pattern.length - star - 1;
  return (
    value.length >= star + tail && value.startsWith(pattern.slice(0, star)) && value.endsWith(pattern.slice(star + 1))
  );
}

/** The rules as a bucket keeps them: JSON, with a version for those that come later. */
export function encodeCors(rules: readonly CorsRule[]): Uint8Array {
  return utf8(JSON.stringify({ version: 1, rules }));
}

export function decodeCors(content: Uint8Array): readonly CorsRule[] {
  return (JSON.parse(text(content)) as { rules: CorsRule[] }).rules;
}

function allowsHeader(rule: CorsRule, header: string): boolean {
  const name = header.toLowerCase();
  return rule.allowedHeaders.some((pattern) => matchesWildcard(pattern.toLowerCase(), name));
}
