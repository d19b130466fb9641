// Reads what a request brings along: the query's parameters and a JSON body, by the operation's schemas.

import { parseQuery } from "../../codec/sigv4/index.ts";
import { assert } from "../../std/assert.ts";
import { strictText } from "../../std/bytes.ts";
import { jsonOfBytes } from "../../std/json-bytes.ts";
import { collect } from "../../std/source.ts";
import { type HttpCall, httpFailure, parseLength } from "../http/index.ts";
import { apiFailure } from "./errors.ts";
import { expand, isTextKind } from "./expand.ts";
import type { OperationEntry } from "./operation.ts";
import type { ObjectSchema, Schema } from "./schema.ts";
import { invalid, refuseUnknown, validate } from "./validate.ts";

export const JSON_BYTES_MAX = 1_048_576;
/** Of those who have not proved yet who they are: with many of them at once memory must not go. */
export const UNPROVED_BYTES_MAX = 65_536;

const NO_PARAMETERS: ObjectSchema = { type: "object", properties: {} };

/** The parameters that an operation's query takes. */
export function parametersOf(query: OperationEntry["query"]): ObjectSchema {
  const schema = query === undefined ? NO_PARAMETERS : expand(query);
  assert(schema.type === "object", "a query's parameters are an object");
  return schema;
}

/** Throws INPUT_INVALID for what the operation does not take, and for a parameter that is given twice. */
export function readQuery(query: string, schema: ObjectSchema): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  const known = Object.keys(schema.properties);
  for (const { name: rawName, value: rawValue } of query === "" ? [] : parseQuery(query)) {
    const name = textOf(rawName, "query");
    refuseUnknown([name], known, "query");
    const path = `query.${name}`;
    if (Object.hasOwn(values, name)) throw invalid(path, "is given twice");
    const property = schema.properties[name]!;
    const isOctets = expand(property).type === "octets";
    values[name] = isOctets ? jsonOfBytes(bytesOf(rawValue)) : convert(textOf(rawValue, path), property, path);
  }
  validate(values, schema, "query");
  return values;
}

/** The body as it was sent, for its hash is part of the signature. Rejects with BODY_TOO_LARGE. */
export async function readBody(call: HttpCall, bytesMax: number): Promise<Uint8Array> {
  const announced = call.headers.get("content-length");
  const tooLarge = announced !== undefined && (parseLength(announced) ?? Number.POSITIVE_INFINITY) > bytesMax;
  const bytes = tooLarge ? undefined : await collect(call.body, bytesMax);
  if (bytes === undefined) throw httpFailure("BODY_TOO_LARGE", { data: { bytesMax } });
  return bytes;
}

/**
 * A body may be left out where nothing in it is required. A type other than JSON is refused: a form of another site's page can not
 * send JSON without asking first.
 */
export function parseBody(bytes: Uint8Array, contentType: string | undefined, schema: Schema): unknown {
  if (bytes.length === 0) {
    validate({}, schema, "body");
    return {};
  }
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw apiFailure("CONTENT_TYPE_REFUSED", { data: { contentType } });
  const text = strictText(bytes);
  let value: unknown;
  try {
    value = text === undefined ? undefined : JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (value === undefined) throw apiFailure("BODY_NOT_JSON");
  validate(value, schema, "body");
  return value;
}

/** Parameters come as byte strings: one character a byte. */
function textOf(byteString: string, path: string): string {
  const text = strictText(bytesOf(byteString));
  if (text === undefined) throw invalid(path, "is not UTF-8");
  return text;
}

function bytesOf(byteString: string): Uint8Array {
  return Uint8Array.from(byteString, (character) => character.charCodeAt(0));
}

function convert(text: string, schema: Schema, path: string): unknown {
  const { type } = expand(schema);
  if (type === "flag") {
    if (text !== "true" && text !== "false") throw invalid(path, "has to be true or false");
    return text === "true";
  }
  assert(type !== "object" && type !== "list" && type !== "map", "a query's parameter is a plain value");
  if (type === "any" || isTextKind(type)) return text;
  if (!/^-?\d{1,16}(\.\d{1,6})?$/.test(text)) throw invalid(path, "has to be a number");
  return Number(text);
}
