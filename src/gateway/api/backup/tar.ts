// The part of the tar format (POSIX.1-1988 ustar) that a backup needs, so that any tar shows what is in it:
//
//   0        100   108   116   124     136      148     156    157    257     263  265  ...            512
//   +--------+-----+-----+-----+-------+--------+-------+------+------+-------+----+-------------------+
//   | name   | mode| uid | gid | size  | mtime  | sum   | type | link | ustar | 00 | zeros             |
//   +--------+-----+-----+-----+-------+--------+-------+------+------+-------+----+-------------------+
//
// Numbers are octal text. A size of 8 GiB or more is binary, big-endian, with the first bit set: GNU's extension, which all known
// readers understand. A file's bytes follow, filled up to 512; two blocks of zeros end the archive.

import { assert } from "../../../std/assert.ts";
import { text, utf8 } from "../../../std/bytes.ts";

export const TAR_BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const OCTAL_SIZE_MAX = 0o77777777777;

export interface TarEntry {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMillis: number;
}

export const TAR_END: Uint8Array = new Uint8Array(TAR_BLOCK_BYTES * 2);

export function encodeTarHeader({ name, bytes, modifiedMillis }: TarEntry): Uint8Array {
  const header = new Uint8Array(TAR_BLOCK_BYTES);
  const encodedName = utf8(name);
  assert(encodedName.length < NAME_BYTES, "a file of a backup has a short name");
  header.set(encodedName, 0);
  header.set(utf8("0000600\0"), 100);
  header.set(utf8("0000000\0"), 108);
  header.set(utf8("0000000\0"), 116);
  header.set(encodeSize(bytes), 124);
  header.set(utf8(`${octal(Math.floor(modifiedMillis / 1000), 11)}\0`), 136);
  header[156] = "0".charCodeAt(0);
  header.set(utf8("ustar\x0000"), 257);
  header.set(utf8(`${octal(checksum(header), 6)}\0 `), 148);
  return header;
}

/** Undefined where the block is no header of a plain file: damaged, of another kind, or the archive's end (all zeros). */
export function parseTarHeader(block: Uint8Array): TarEntry | undefined {
  if (block.length < TAR_BLOCK_BYTES || text(block.subarray(257, 262)) !== "ustar") return undefined;
  if (Number.parseInt(text(block.subarray(148, 154)), 8) !== checksum(block) || block[156] !== 0x30) return undefined;
  const end = block.indexOf(0);
  const name = text(block.subarray(0, Math.min(end, NAME_BYTES)));
  const bytes = parseSize(block.subarray(124, 136));
  const modifiedMillis = Number.parseInt(text(block.subarray(136, 147)), 8) * 1000;
  return Number.isSafeInteger(bytes) ? { name, bytes, modifiedMillis } : undefined;
}

/** Zeros behind a file's bytes. */
export function tarPadding(bytes: number): number {
  return (TAR_BLOCK_BYTES - (bytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

function encodeSize(bytes: number): Uint8Array {
  if (bytes <= OCTAL_SIZE_MAX) return utf8(`${octal(bytes, 11)}\0`);
  const field = new DataView(new ArrayBuffer(12));
  field.setUint8(0, 0x80);
  field.setBigUint64(4, BigInt(bytes));
  return new Uint8Array(field.buffer);
}

function parseSize(field: Uint8Array): number {
  if ((field[0]! & 0x80) === 0) return Number.parseInt(text(field.subarray(0, 11)), 8);
  return Number(new DataView(field.buffer, field.byteOffset, field.byteLength).getBigUint64(4));
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

/** Of all bytes, with the checksum's own field as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < TAR_BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += header[at]!;
  return sum;
}
