import { assert } from "./assert.ts";
import { EMPTY, HEAP_ARRAY_BYTES_MAX, partOf, utf8 } from "./bytes.ts";
import { Copier } from "./copier.ts";

const results = new Copier();

/**
 * Builds one binary record. Integers are little-endian; `varint` is LEB128 for unsigned numbers up to 2^53 - 1.
 * Grows by doubling; `finish` returns a copy, so a writer can be reset and used again. Numbers are written byte by byte:
 * a view of a short writer's memory would cost more than all that is written through it.
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
    this.#put(this.#length, value);
    this.#length += 4;
    return this;
  }

  /** Overwrites four bytes that were written before: a length that is known only behind what it counts. */
  setU32(at: number, value: number): void {
    assert(at + 4 <= this.#length, "a field is set where one was written");
    this.#put(at, value);
  }

  /** An unsigned 64-bit field that holds a safe integer. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, "a u64 field takes an unsigned safe integer");
    this.#reserve(8);
    this.#put(this.#length, value);
    this.#put(this.#length + 4, Math.floor(value / 0x1_0000_0000));
    this.#length += 8;
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

  zeros(count: number): this {
    this.#reserve(count);
    this.#bytes.fill(0, this.#length, this.#length + count);
    this.#length += count;
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
    const bytes = this.#bytes;
    return bytes.length <= HEAP_ARRAY_BYTES_MAX ? bytes.slice(0, this.#length) : results.copy(bytes, 0, this.#length);
  }

  /** What was written, in the writer's own memory, which it gives up. */
  end(): Uint8Array {
    const bytes = partOf(this.#bytes, 0, this.#length);
    this.#bytes = EMPTY;
    this.#length = 0;
    return bytes;
  }

  /** What was written so far, in the writer's own memory: until more is written. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for so many more bytes at once. */
  reserve(more: number): this {
    this.#reserve(more);
    return this;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  #put(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }
}
