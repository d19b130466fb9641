import { strictText } from "../../std/bytes.ts";
import { thriftFailure } from "./errors.ts";

export interface ThriftLimits {
  /** Of one text. */
  readonly stringBytesMax: number;
  /** Structs and containers within each other. */
  readonly depthMax: number;
}

/** Big-endian fields. Throws MESSAGE_MALFORMED where the bytes end within one; slices share the input's memory. */
export class ThriftReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #limits: ThriftLimits;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, limits: ThriftLimits) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#limits = limits;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  i16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Behind its length. */
  binary(): Uint8Array {
    return this.binaryOf(this.i32());
  }

  binaryOf(length: number): Uint8Array {
    if (length < 0) throw malformed();
    const { stringBytesMax } = this.#limits;
    if (length > stringBytesMax) throw thriftFailure("VALUE_TOO_LARGE", { data: { length, stringBytesMax } });
    return this.raw(length);
  }

  string(length: number = this.i32()): string {
    return strictText(this.binaryOf(length)) ?? raise();
  }

  /** Of a container, each of whose values takes so many bytes at least: none is begun that can not be whole. */
  count(bytesEachMin: number): number {
    const count = this.i32();
    if (count < 0 || count * bytesEachMin > this.remaining) throw malformed();
    return count;
  }

  /** What lies one level deeper. */
  nested<T>(read: () => T): T {
    const { depthMax } = this.#limits;
    if (this.#depth >= depthMax) throw thriftFailure("VALUE_TOO_LARGE", { data: { depthMax } });
    this.#depth++;
    const value = read();
    this.#depth--;
    return value;
  }

  #take(length: number): number {
    if (length > this.remaining) throw malformed();
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

export function malformed(): ReturnType<typeof thriftFailure<"MESSAGE_MALFORMED">> {
  return thriftFailure("MESSAGE_MALFORMED");
}

function raise(): never {
  throw malformed();
}
