import { hexOfPart, partOf, text } from "./bytes.ts";

/** Thrown by a ByteReader on input that is too short or has a number beyond 2^53 - 1; decoders turn it into their layer's error. */
export class MalformedBytes extends Error {
  override readonly name = "MalformedBytes";
}

/** Reads what a ByteWriter wrote. Slices share the input's memory. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** From its bytes: a DataView costs more to make than a short message to read. */
  u32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** For fields that a checksum behind them still has to vouch for: above 2^53 the value is only near. */
  u64Unsafe(): number {
    const low = this.u32();
    return this.u32() * 0x1_0000_0000 + low;
  }

  u64(): number {
    const value = this.u64Unsafe();
    if (!Number.isSafeInteger(value)) throw new MalformedBytes("a 64-bit field is beyond 2^53 - 1");
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw new MalformedBytes("a varint is beyond 2^53 - 1");
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return partOf(this.#bytes, at, at + length);
  }

  blob(): Uint8Array {
    return this.raw(this.varint());
  }

  /** A blob as hexadecimal digits. */
  hex(): string {
    const length = this.varint();
    const at = this.#take(length);
    return hexOfPart(this.#bytes, at, at + length);
  }

  string(): string {
    return text(this.blob());
  }

  #take(length: number): number {
    if (length > this.remaining) throw new MalformedBytes("the bytes end inside a field");
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
