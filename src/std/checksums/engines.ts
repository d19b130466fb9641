import { KERNEL_BYTES_MAX, KERNEL_BYTES_MIN, type Kernel, loadKernel } from "./kernel.ts";
import type { Polynomial } from "./polynomials.ts";

// A CRC as a value is the complement of the register; here is where one becomes the other. Closures instead of
// classes: their captured constants save 10 to 20 ns a call, much for the checksum of a short frame.

export type Checksum<Value extends number | bigint> = (bytes: Uint8Array, previous: Value) => Value;

/** Up to this many bytes the tables in JavaScript are faster than the kernel, whose call and copy cost about 50 ns. */
const SHORT_BYTES_MAX = 40;

/** `kernel` is given by tests only. */
export function checksum32(polynomial: Polynomial, kernel: Kernel<number> = loadKernel(polynomial)): Checksum<number> {
  const { run, message } = kernel;
  const tables = new Int32Array(kernel.memory);
  const memory = new Uint8Array(kernel.memory);
  return (bytes, previous) => {
    let register = ~previous;
    let at = 0;
    if (run !== undefined && bytes.length > SHORT_BYTES_MAX) {
      do {
        const piece = pieceAt(bytes, at);
        memory.set(piece, message(piece.length));
        register = run(piece.length, register);
        at += piece.length;
      } while (bytes.length - at > SHORT_BYTES_MAX);
    }
    for (; at + 8 <= bytes.length; at += 8) {
      register =
        tables[7 * 256 + ((register ^ bytes[at]!) & 0xff)]! ^
        tables[6 * 256 + (((register >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
        tables[5 * 256 + (((register >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
        tables[4 * 256 + ((register >>> 24) ^ bytes[at + 3]!)]! ^
        tables[3 * 256 + bytes[at + 4]!]! ^
        tables[2 * 256 + bytes[at + 5]!]! ^
        tables[256 + bytes[at + 6]!]! ^
        tables[bytes[at + 7]!]!;
    }
    for (; at < bytes.length; at++) register = tables[(register ^ bytes[at]!) & 0xff]! ^ (register >>> 8);
    return ~register >>> 0;
  };
}

export function checksum64(polynomial: Polynomial, kernel: Kernel<bigint> = loadKernel(polynomial)): Checksum<bigint> {
  const { run, message } = kernel;
  const tables = new Int32Array(kernel.memory);
  const memory = new Uint8Array(kernel.memory);
  return (bytes, previous) => {
    let register = ~previous;
    let at = 0;
    if (run !== undefined) {
      while (bytes.length - at >= KERNEL_BYTES_MIN) {
        const piece = pieceAt(bytes, at);
        memory.set(piece, message(piece.length));
        register = run(piece.length, register);
        at += piece.length;
      }
    }
    if (at < bytes.length) register = byTable64(tables, bytes, at, register);
    return BigInt.asUintN(64, ~register);
  };
}

function byTable64(tables: Int32Array, bytes: Uint8Array, from: number, register: bigint): bigint {
  let low = Number(BigInt.asIntN(32, register));
  let high = Number(BigInt.asIntN(32, register >> 32n));
  for (let at = from; at < bytes.length; at++) {
    const entry = 2 * ((low ^ bytes[at]!) & 0xff);
    low = ((low >>> 8) | (high << 24)) ^ tables[entry]!;
    high = (high >>> 8) ^ tables[entry + 1]!;
  }
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** The whole array where it fits: a view of it would cost as much as the checksum of a short one. */
function pieceAt(bytes: Uint8Array, at: number): Uint8Array {
  return at === 0 && bytes.length <= KERNEL_BYTES_MAX ? bytes : bytes.subarray(at, at + KERNEL_BYTES_MAX);
}
