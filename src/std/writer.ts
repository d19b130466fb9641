import { assert } from "./assert.ts";
import { EMPTY, utf8 } from "./bytes.ts";
import { Copier } from "./copier.ts";

const results = new Copier();
const NO_VIEW = new DataView(new ArrayBuffer(0));

/**
 * Builds one binary record. Integers are little-endian; `varint` is LEB128 for unsigned numbers up to 2^53 - 1.
 * Grows by doubling; `finish` returns a copy, so a writer can be reset and used again.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
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
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** Overwrites four bytes that were written before: a length that is known only behind what it counts. */
  setU32(at: number, value: number): void {
    assert(at + 4 <= this.#length, "a field is set where one was written");
    this.#view.setUint32(at, value, true);
  }

  /** An unsigned 64-bit field that holds a safe integer. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, "a u64 field takes an unsigned safe integer");
    this.#reserve(8);
    this.#view.setUint32(this.#length, value >>> 0, true);
    this.#view.setUint32(this.#length + 4, Math.floor(value / 0x1_0000_0000), true);
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
    return results.copy(this.#bytes, 0, this.#length);
  }

  /** What was written, in the writer's own memory, which it gives up. */
  end(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = EMPTY;
    this.#view = NO_VIEW;
    this.#length = 0;
    return bytes;
  }

  /** Copies what was written so far, without a new array. */
  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#bytes.subarray(0, this.#length), at);
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
    this.#view = new DataView(grown.buffer);
  }
}
