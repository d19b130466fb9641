// Checks a value that came from outside against its schema. The first fault is reported with its path, and what is not known is
// refused with the nearest name that is: a misspelled key that is silently ignored does harm later.

import { bytesOfJson } from "../../std/json-bytes.ts";
import { nearestName } from "../../std/options.ts";
import { apiFailure } from "./errors.ts";
import { expand, isTextKind, isWholeKind } from "./expand.ts";
import type { ListSchema, MapSchema, ObjectSchema, PlainSchema, Schema } from "./schema.ts";

/** Throws INPUT_INVALID. `path` is where the value stands in the request, as in `body` or `query`. */
export function validate(value: unknown, schema: Schema, path: string): void {
  const full = expand(schema);
  switch (full.type) {
    case "object":
      checkObject(asObject(value, path), full, path);
      break;
    case "list":
      checkList(value, full, path);
      break;
    case "map":
      checkMap(value, full, path);
      break;
    default:
      checkPlain(value, full, path);
  }
}

/** What is wrong where, for callers that parse by themselves. */
export function invalid(path: string, expected: string): Error {
  return apiFailure("INPUT_INVALID", { what: `${path} ${expected}.`, data: { path } });
}

/** Throws for a name that is not among the known ones. */
export function refuseUnknown(names: Iterable<string>, known: readonly string[], place: string): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
    const path = `${place}.${name.slice(0, 100)}`;
    throw apiFailure("INPUT_INVALID", { what: `${path} is not known here.${hint}`, data: { path, nearest } });
  }
}

function checkPlain(value: unknown, schema: PlainSchema, path: string): void {
  if (schema.type === "any" || (value === null && schema.nullable === true)) return;
  if (schema.type === "flag") {
    if (typeof value !== "boolean") throw invalid(path, "has to be true or false");
  } else if (schema.type === "octets") {
    if (bytesOfJson(value) === undefined) throw invalid(path, 'has to be text, or {"base64": "..."}');
  } else if (isTextKind(schema.type)) checkText(value, schema, path);
  else checkNumber(value, schema, path);
}

function checkText(value: unknown, schema: PlainSchema, path: string): void {
  if (typeof value !== "string") throw invalid(path, "has to be text");
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    throw invalid(path, `has to be one of ${schema.enum.join(", ")}`);
  }
  if (value.length < minLength) throw invalid(path, value === "" ? "is empty" : `needs ${minLength} characters`);
  if (value.length > maxLength) throw invalid(path, `is longer than ${maxLength} characters`);
  if (schema.type === "instant" && parseInstant(value) === undefined) {
    throw invalid(path, "has to be a time like 2026-01-31T12:00:00Z");
  }
}

function checkNumber(value: unknown, schema: PlainSchema, path: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) throw invalid(path, "has to be a number");
  if (isWholeKind(schema.type) && !Number.isSafeInteger(value)) throw invalid(path, "has to be a whole number");
  const least = schema.type === "integer" ? Number.NEGATIVE_INFINITY : 0;
  const { minimum = least, maximum = Number.POSITIVE_INFINITY } = schema;
  if (value < minimum || value > maximum) throw invalid(path, rangeText(minimum, maximum));
}

function rangeText(minimum: number, maximum: number): string {
  if (maximum === Number.POSITIVE_INFINITY) return `has to be at least ${minimum}`;
  if (minimum === Number.NEGATIVE_INFINITY) return `has to be at most ${maximum}`;
  return `has to be from ${minimum} to ${maximum}`;
}

function checkList(value: unknown, schema: ListSchema, path: string): void {
  if (!Array.isArray(value)) throw invalid(path, "has to be a list");
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (value.length < minItems) throw invalid(path, `needs at least ${minItems} ${minItems === 1 ? "item" : "items"}`);
  if (value.length > maxItems) throw invalid(path, `has ${value.length} items, and ${maxItems} are allowed`);
  for (const [at, item] of value.entries()) validate(item, schema.items, `${path}[${at}]`);
}

function checkMap(value: unknown, schema: MapSchema, path: string): void {
  const entries = Object.entries(asObject(value, path));
  const { entriesMax = Number.POSITIVE_INFINITY } = schema;
  if (entries.length > entriesMax) throw invalid(path, `has ${entries.length} entries, and ${entriesMax} are allowed`);
  for (const [name, entry] of entries) validate(entry, schema.values, `${path}.${name}`);
}

function checkObject(value: Readonly<Record<string, unknown>>, schema: ObjectSchema, path: string): void {
  const { properties, optional = [] } = schema;
  refuseUnknown(Object.keys(value), Object.keys(properties), path);
  for (const [name, property] of Object.entries(properties)) {
    const inside = `${path}.${name}`;
    if (Object.hasOwn(value, name) && value[name] !== undefined) validate(value[name], property, inside);
    else if (!optional.includes(name)) throw invalid(inside, "is missing");
  }
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(path, "has to be an object");
  return value as Readonly<Record<string, unknown>>;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 to milliseconds since 1970; undefined where the text is anything else. */
export function parseInstant(text: string): number | undefined {
  if (!INSTANT.test(text)) return undefined;
  const millis = Date.parse(text);
  return Number.isNaN(millis) ? undefined : millis;
}
