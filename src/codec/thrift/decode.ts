import { MESSAGE_KINDS, type MessageKind, STRICT_VERSION, type ThriftHeader, type ThriftMessage } from "./message.ts";
import { malformed, type ThriftLimits, ThriftReader } from "./reader.ts";
import { THRIFT_TYPES, type ThriftField, type ThriftStruct, type ThriftType, type ThriftValue } from "./value.ts";

/** A message whose beginning is read: who sent it can be answered, even if the rest is no good. */
export interface OpenedMessage {
  readonly header: ThriftHeader;
  /** Once. Throws MESSAGE_MALFORMED, VALUE_TOO_LARGE. Values share the frame's memory. */
  body(): ThriftStruct;
}

/** Throws MESSAGE_MALFORMED, VALUE_TOO_LARGE. */
export function openMessage(frame: Uint8Array, limits: ThriftLimits): OpenedMessage {
  const reader = new ThriftReader(frame, limits);
  return { header: readHeader(reader), body: () => readBody(reader) };
}

/** Throws MESSAGE_MALFORMED, VALUE_TOO_LARGE. */
export function decodeMessage(frame: Uint8Array, limits: ThriftLimits): ThriftMessage {
  const { header, body } = openMessage(frame, limits);
  return { ...header, body: body() };
}

const KINDS: ReadonlyMap<number, MessageKind> = new Map(
  Object.entries(MESSAGE_KINDS).map(([kind, number]) => [number, kind as MessageKind]),
);
const TYPES: ReadonlyMap<number, ThriftType> = new Map(
  Object.entries(THRIFT_TYPES).map(([type, number]) => [number, type as ThriftType]),
);
const STOP = 0;

/** The least that a value of a type takes: a struct is at least its end, a container its types and its count. */
const BYTES_MIN: Readonly<Record<ThriftType, number>> = {
  ...{ bool: 1, byte: 1, double: 8, i16: 2, i32: 4, i64: 8 },
  ...{ binary: 4, struct: 1, map: 6, set: 5, list: 5, uuid: 16 },
};

function readHeader(reader: ThriftReader): ThriftHeader {
  const first = reader.i32();
  if (first >= 0) {
    const name = reader.string(first);
    const kind = kindOf(reader.u8());
    return { kind, name, sequence: reader.i32(), isStrict: false };
  }
  if (first >>> 16 !== STRICT_VERSION) throw malformed();
  const kind = kindOf(first & 0xff);
  return { kind, name: reader.string(), sequence: reader.i32(), isStrict: true };
}

function kindOf(number: number): MessageKind {
  const kind = KINDS.get(number);
  if (kind === undefined) throw malformed();
  return kind;
}

function readBody(reader: ThriftReader): ThriftStruct {
  const body = readStruct(reader);
  if (reader.remaining > 0) throw malformed();
  return body;
}

function readStruct(reader: ThriftReader): ThriftStruct {
  return reader.nested(() => {
    const fields: ThriftField[] = [];
    for (let tag = reader.u8(); tag !== STOP; tag = reader.u8()) {
      const type = typeOf(tag);
      fields.push({ id: reader.i16(), value: readValue(reader, type) });
    }
    return fields;
  });
}

function readType(reader: ThriftReader): ThriftType {
  return typeOf(reader.u8());
}

function typeOf(tag: number): ThriftType {
  const type = TYPES.get(tag);
  if (type === undefined) throw malformed();
  return type;
}

function readValue(reader: ThriftReader, type: ThriftType): ThriftValue {
  switch (type) {
    case "bool":
      return { type, value: reader.u8() !== 0 };
    case "byte":
      return { type, value: reader.i8() };
    case "i16":
      return { type, value: reader.i16() };
    case "i32":
      return { type, value: reader.i32() };
    case "double":
      return { type, value: reader.double() };
    case "i64":
      return { type, value: reader.i64() };
    case "binary":
      return { type, value: reader.binary() };
    case "uuid":
      return { type, value: reader.raw(16) };
    case "struct":
      return { type, fields: readStruct(reader) };
    case "list":
    case "set":
      return readList(reader, type);
    case "map":
      return readMap(reader);
  }
}

function readList(reader: ThriftReader, type: "list" | "set"): ThriftValue {
  return reader.nested(() => {
    const of = readType(reader);
    const items: ThriftValue[] = [];
    for (let left = reader.count(BYTES_MIN[of]); left > 0; left--) items.push(readValue(reader, of));
    return { type, of, items };
  });
}

function readMap(reader: ThriftReader): ThriftValue {
  return reader.nested(() => {
    const [keys, values] = [readType(reader), readType(reader)];
    const entries: (readonly [ThriftValue, ThriftValue])[] = [];
    for (let left = reader.count(BYTES_MIN[keys] + BYTES_MIN[values]); left > 0; left--)
      entries.push([readValue(reader, keys), readValue(reader, values)]);
    return { type: "map", keys, values, entries };
  });
}
