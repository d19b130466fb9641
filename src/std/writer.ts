import { assert } from "./assert.ts";
import { EMPTY, utf8 } from "./bytes.ts";
import { Copier } from "./copier.ts";

const results = new Copier();

/**
 * Builds one binary record. Integers are little-endian; `varint` is LEB128 for unsigned numbers up to 2^53 - 1.
 * Grows by doubling; `finish` returns a copy, so a writer can be reset and used again.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  reset(): this {
    this.#length = 0;
    return this;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#put32(value);
    return this;
  }

  /** An unsigned 64-bit field that holds a safe integer. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, "a u64 field takes an unsigned safe integer");
    this.#reserve(8);
    this.#put32(value >>> 0);
    this.#put32(Math.floor(value / 0x1_0000_0000));
    return this;
  }

  varint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, "a varint takes an unsigned safe integer");
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Bytes without their length. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Bytes behind their length as a varint. */
  blob(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  string(value: string): this {
    return this.blob(utf8(value));
  }

  finish(): Uint8Array {
    return results.copy(this.#bytes, 0, this.#length);
  }

  /** What was written, in the writer's own memory, which it gives up. */
  end(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = EMPTY;
    this.#length = 0;
    return bytes;
  }

  /** Copies what was written so far, without a new array. */
  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#bytes.subarray(0, this.#length), at);
  }

  /** Byte by byte: most writers live for one record, and a DataView costs more than all its fields. */
  #put32(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#length++] = value;
    bytes[this.#length++] = value >>> 8;
    bytes[this.#length++] = value >>> 16;
    bytes[this.#length++] = value >>> 24;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
