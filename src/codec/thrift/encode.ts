import { assert } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";
import {
  APPLICATION_EXCEPTIONS,
  type ApplicationExceptionKind,
  MESSAGE_KINDS,
  STRICT_VERSION,
  type ThriftHeader,
  type ThriftMessage,
} from "./message.ts";
import { THRIFT_TYPES, type ThriftStruct, type ThriftValue } from "./value.ts";

const FRAME_HEADER_BYTES = 4;

/** The message in a frame, as it goes over the framed transport. */
export function encodeFrame(message: ThriftMessage): Uint8Array {
  const writer = new ThriftWriter();
  writer.i32(0);
  writeMessage(writer, message);
  return writer.finishFrame();
}

/** Without a frame: for who does not know any. */
export function encodeMessage(message: ThriftMessage): Uint8Array {
  const writer = new ThriftWriter();
  writeMessage(writer, message);
  return writer.finish();
}

/** Answers that what was asked can not be answered. */
export function applicationException(
  header: ThriftHeader,
  kind: ApplicationExceptionKind,
  text: string,
): ThriftMessage {
  const body: ThriftStruct = [
    { id: 1, value: { type: "binary", value: utf8(text) } },
    { id: 2, value: { type: "i32", value: APPLICATION_EXCEPTIONS[kind] } },
  ];
  return { ...header, kind: "exception", body };
}

/** Grows by doubling; `finish` copies what was written. */
class ThriftWriter {
  #bytes = new Uint8Array(128);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  i8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setInt8(at, value);
  }

  i16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setInt16(at, value);
  }

  i32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setInt32(at, value);
  }

  i64(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigInt64(at, value);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  binary(bytes: Uint8Array): void {
    this.i32(bytes.length);
    this.raw(bytes);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Its first four bytes become the length of what is behind them. */
  finishFrame(): Uint8Array {
    this.#view.setInt32(0, this.#length - FRAME_HEADER_BYTES);
    return this.finish();
  }

  /** Where so many bytes more begin; memory and view may be others behind it. */
  #reserve(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

function writeMessage(writer: ThriftWriter, { kind, name, sequence, isStrict, body }: ThriftMessage): void {
  const number = MESSAGE_KINDS[kind];
  if (isStrict) writer.i32((STRICT_VERSION << 16) | number);
  writer.binary(utf8(name));
  if (!isStrict) writer.i8(number);
  writer.i32(sequence);
  writeStruct(writer, body);
}

function writeStruct(writer: ThriftWriter, fields: ThriftStruct): void {
  for (const { id, value } of fields) {
    writer.i8(THRIFT_TYPES[value.type]);
    writer.i16(id);
    writeValue(writer, value);
  }
  writer.i8(0);
}

function writeValue(writer: ThriftWriter, value: ThriftValue): void {
  switch (value.type) {
    case "bool":
      writer.i8(value.value ? 1 : 0);
      break;
    case "byte":
      writer.i8(value.value);
      break;
    case "i16":
      writer.i16(value.value);
      break;
    case "i32":
      writer.i32(value.value);
      break;
    case "double":
      writer.double(value.value);
      break;
    case "i64":
      writer.i64(value.value);
      break;
    case "binary":
      writer.binary(value.value);
      break;
    case "uuid":
      assert(value.value.length === 16, "a UUID has 16 bytes");
      writer.raw(value.value);
      break;
    case "struct":
      writeStruct(writer, value.fields);
      break;
    case "list":
    case "set":
      writeList(writer, value);
      break;
    case "map":
      writeMap(writer, value);
      break;
  }
}

function writeList(writer: ThriftWriter, { of, items }: Extract<ThriftValue, { readonly type: "list" | "set" }>): void {
  writer.i8(THRIFT_TYPES[of]);
  writer.i32(items.length);
  for (const item of items) {
    assert(item.type === of, "the values of a list have its type");
    writeValue(writer, item);
  }
}

function writeMap(
  writer: ThriftWriter,
  { keys, values, entries }: Extract<ThriftValue, { readonly type: "map" }>,
): void {
  writer.i8(THRIFT_TYPES[keys]);
  writer.i8(THRIFT_TYPES[values]);
  writer.i32(entries.length);
  for (const [key, value] of entries) {
    assert(key.type === keys, "the keys of a map have its type");
    assert(value.type === values, "the values of a map have its type");
    writeValue(writer, key);
    writeValue(writer, value);
  }
}
