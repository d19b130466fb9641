import { assert } from "../assert.ts";
import { type Checksum, checksum32, checksum64 } from "./engines.ts";
import { CRC32_POLYNOMIAL, CRC32C_POLYNOMIAL, CRC64NVME_POLYNOMIAL } from "./polynomials.ts";

// Made when first used: a program that needs one checksum does not pay for three.
let ieee: Checksum<number> | undefined;
let castagnoli: Checksum<number> | undefined;
let nvme: Checksum<bigint> | undefined;

/** The checksum of what `previous` covers followed by `bytes`; an unsigned number of 32 bits. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  ieee ??= checksum32(CRC32_POLYNOMIAL);
  return ieee(bytes, previous);
}

/** As crc32, with Castagnoli's polynomial, which finds more of the errors that disks and memory make. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  castagnoli ??= checksum32(CRC32C_POLYNOMIAL);
  return castagnoli(bytes, previous);
}

/** As crc32, with 64 bits. */
export function crc64nvme(bytes: Uint8Array, previous = 0n): bigint {
  nvme ??= checksum64(CRC64NVME_POLYNOMIAL);
  return nvme(bytes, previous);
}

/** Four bytes, big-endian: how S3 and most protocols write a CRC of 32 bits. */
export function crc32ToBytes(crc: number): Uint8Array {
  return Uint8Array.of(crc >>> 24, crc >>> 16, crc >>> 8, crc);
}

export function crc32FromBytes(bytes: Uint8Array): number {
  assert(bytes.length === 4, "a CRC of 32 bits has four bytes");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

/** Eight bytes, big-endian. */
export function crc64ToBytes(crc: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, crc);
  return bytes;
}

export function crc64FromBytes(bytes: Uint8Array): bigint {
  assert(bytes.length === 8, "a CRC of 64 bits has eight bytes");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0);
}
