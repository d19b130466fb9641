// The document that says what a form may upload. It is JSON, signed by its maker (codec/sigv4 checks that), and
// consists of conditions on the form's fields; a field that no condition names is not allowed.

import { strictText } from "../../std/bytes.ts";
import { formFailure } from "./errors.ts";

export interface PostPolicy {
  /** Milliseconds since 1970. */
  readonly expirationMillis: number;
  readonly conditions: readonly FieldCondition[];
  /** Sizes of the file that all conditions allow; undefined where there is no condition on it. */
  readonly contentLength: ContentLengthRange | undefined;
}

/** Field names are in lower case. */
export interface FieldCondition {
  readonly operator: "eq" | "starts-with";
  readonly field: string;
  readonly value: string;
}

export interface ContentLengthRange {
  readonly bytesMin: number;
  readonly bytesMax: number;
}

export interface PostedRequest {
  /** Names in lower case; `key` with its file name already filled in. */
  readonly fields: ReadonlyMap<string, string>;
  /** The bucket that the request is for, whatever a field of that name says. */
  readonly bucket: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Reads the document out of the base64 that the form carries. Fails with POLICY_MALFORMED. */
export function parsePostPolicy(document: Uint8Array): PostPolicy {
  const { expiration, conditions } = parseDocument(document);
  const fieldConditions: FieldCondition[] = [];
  let contentLength: ContentLengthRange | undefined;
  for (const condition of conditions) {
    const range = lengthCondition(condition);
    if (range !== undefined) contentLength = intersection(contentLength, range);
    else fieldConditions.push(fieldCondition(condition));
  }
  return { expirationMillis: expirationMillis(expiration), conditions: fieldConditions, contentLength };
}

/**
 * Returns if the policy allows the form; its file must still be held to `contentLength`. Fails with POLICY_EXPIRED,
 * POLICY_CONDITION_FAILED or POLICY_FIELD_NOT_COVERED.
 */
export function checkPostPolicy(policy: PostPolicy, request: PostedRequest): void {
  if (request.now >= policy.expirationMillis) {
    throw formFailure("POLICY_EXPIRED", {
      data: { expirationMillis: policy.expirationMillis, serverMillis: request.now },
    });
  }
  const covered = new Set<string>();
  for (const condition of policy.conditions) {
    const { operator, field, value } = condition;
    const actual = field === "bucket" ? request.bucket : (request.fields.get(field) ?? "");
    covered.add(field);
    if (!holds(condition, actual)) {
      throw formFailure("POLICY_CONDITION_FAILED", {
        what: `The policy's condition ["${operator}", "$${field}", "${value}"] does not hold.`,
        data: { operator, field, value },
      });
    }
  }
  for (const field of request.fields.keys()) {
    if (covered.has(field) || UNCOVERED.has(field) || field.startsWith("x-ignore-")) continue;
    throw formFailure("POLICY_FIELD_NOT_COVERED", { data: { field } });
  }
}

/** Fields that no condition has to name: what carries the policy and its signature (of either version). */
const UNCOVERED: ReadonlySet<string> = new Set(["policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"]);
const CONDITIONS_MAX = 1_000;

function holds(condition: FieldCondition, actual: string): boolean {
  if (condition.operator === "eq") return actual === condition.value;
  // A list of content types is held to the prefix item by item.
  if (condition.field !== "content-type") return actual.startsWith(condition.value);
  return actual.split(",").every((item) => item.trim().startsWith(condition.value));
}

function parseDocument(document: Uint8Array): { expiration: unknown; conditions: readonly unknown[] } {
  const decoded = strictText(document);
  if (decoded === undefined) throw malformed("The policy is not UTF-8.");
  let parsed: unknown;
  try {
    parsed = JSON.parse(standardEscapes(decoded));
  } catch {
    throw malformed("The policy is not JSON.");
  }
  if (!isRecord(parsed)) throw malformed("The policy is not a JSON object.");
  // Both names are case-sensitive, unlike everything below them.
  const { expiration, conditions } = parsed;
  if (!Array.isArray(conditions)) throw malformed("The policy has no list of conditions.");
  if (conditions.length > CONDITIONS_MAX) throw malformed("The policy has too many conditions.");
  return { expiration, conditions };
}

/** S3 lets a policy escape "$" and the vertical tab, which JSON does not know. */
function standardEscapes(json: string): string {
  return json.replace(/\\(.)/gs, (escaped, character: string) => {
    if (character === "$") return "$";
    return character === "v" ? "\\u000b" : escaped;
  });
}

function expirationMillis(expiration: unknown): number {
  const match = typeof expiration === "string" ? EXPIRATION.exec(expiration) : null;
  if (match === null) throw malformed("The policy's expiration is not a time as 2007-12-01T12:00:00.000Z.");
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  const whole = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const millis = whole + Number(fraction.padEnd(3, "0").slice(0, 3));
  const back = new Date(millis).toISOString();
  if (!back.startsWith(`${year}-${month}-${day}T${hour}:${minute}:${second}`)) {
    throw malformed("The policy's expiration is no time of the calendar.");
  }
  return millis;
}

const EXPIRATION = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/** `["content-length-range", min, max]`, or undefined where the condition is of another kind. */
function lengthCondition(condition: unknown): ContentLengthRange | undefined {
  if (!Array.isArray(condition) || typeof condition[0] !== "string") return undefined;
  if (condition[0].toLowerCase() !== "content-length-range") return undefined;
  const bytesMin = byteCount(condition[1]);
  const bytesMax = byteCount(condition[2]);
  if (condition.length !== 3 || bytesMin === undefined || bytesMax === undefined) {
    throw malformed("A condition content-length-range needs two numbers.");
  }
  return { bytesMin, bytesMax };
}

/** Some makers of policies write numbers as strings. */
function byteCount(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function intersection(one: ContentLengthRange | undefined, other: ContentLengthRange): ContentLengthRange {
  if (one === undefined) return other;
  return { bytesMin: Math.max(one.bytesMin, other.bytesMin), bytesMax: Math.min(one.bytesMax, other.bytesMax) };
}

/** `{"field": "value"}` or `["operator", "$field", "value"]`. */
function fieldCondition(condition: unknown): FieldCondition {
  if (Array.isArray(condition)) {
    const [operator, field, value] = condition as unknown[];
    const known = typeof operator === "string" ? OPERATORS.get(operator.toLowerCase()) : undefined;
    if (condition.length !== 3 || known === undefined)
      throw malformed("A condition of the policy has an unknown operator.");
    if (typeof field !== "string" || !field.startsWith("$"))
      throw malformed("A condition of the policy names no $field.");
    if (typeof value !== "string") throw malformed("A condition of the policy has a value that is not a string.");
    return { operator: known, field: field.slice(1).toLowerCase(), value };
  }
  if (!isRecord(condition)) throw malformed("A condition of the policy is neither a list nor an object.");
  const properties = Object.entries(condition);
  const [property] = properties;
  if (property === undefined || properties.length > 1) throw malformed("A simple condition has exactly one property.");
  if (typeof property[1] !== "string") throw malformed("A condition of the policy has a value that is not a string.");
  return { operator: "eq", field: property[0].toLowerCase(), value: property[1] };
}

const OPERATORS: ReadonlyMap<string, FieldCondition["operator"]> = new Map([
  ["eq", "eq"],
  ["starts-with", "starts-with"],
]);

function isRecord(value: unknown): value is Readonly<Record<"expiration" | "conditions", unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(what: string): Error {
  return formFailure("POLICY_MALFORMED", { what });
}
