import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { TAG_BYTES, type VolumeKind } from "../format.ts";
import type { NeedleName } from "../needle-rows.ts";

// What the writer of a volume asks of the nodes that hold copies of it, and a reader of any node that does. All of it
// stands in the heads of calls; a reply is empty, or what the comment says. The run is the one of the process that is
// asked: what another process had not synced may be gone, so nobody goes on with a restarted one as if it were the same.
//
//   create    volume varint | epoch varint | tag 8 | kind u8 | created u64             -> run u32
//   attach    target                                                                    -> run u32
//   write     target | run u32 | position u64 | bytes
//   sync      target | run u32
//   trim      target | run u32 | length u64          cuts or lengthens, then syncs
//   checksum  target | position u64 | length varint                                     -> bytes read varint, crc32c u32
//   read      volume varint | generation varint | position u64 | length varint          -> bytes
//   fetch     target | length u64                    copies the file from the caller, or from other members
//   repair    volume varint | needle varint      looks at that needle's slot, and makes it whole from other copies
//   space                                      of the disk          -> bytes free u64, reserved u64
//
//   target    volume varint | generation varint | epoch varint

export const VOLUME_METHODS = {
  create: 32,
  attach: 33,
  write: 34,
  sync: 35,
  trim: 36,
  checksum: 37,
  read: 38,
  fetch: 39,
  space: 40,
  repair: 41,
} as const;

/** Bytes of one write, checksum or read: a head has room for them. */
export const PIECE_BYTES_MAX = 524_288;

/** A file of a volume, in the hands of one writer. */
export interface Target {
  readonly volume: number;
  readonly generation: number;
  readonly epoch: number;
}

export interface Creation {
  readonly volume: number;
  readonly epoch: number;
  readonly tag: Uint8Array;
  readonly kind: VolumeKind;
  readonly createdMillis: number;
}

export interface Span {
  readonly position: number;
  readonly length: number;
}

const KINDS: readonly VolumeKind[] = ["needles", "extents"];

export function encodeCreation({ volume, epoch, tag, kind, createdMillis }: Creation): Uint8Array {
  return new ByteWriter(32).varint(volume).varint(epoch).raw(tag).u8(KINDS.indexOf(kind)).u64(createdMillis).finish();
}

export function decodeCreation(head: Uint8Array): Creation {
  const reader = new ByteReader(head);
  const [volume, epoch] = [reader.varint(), reader.varint()];
  const tag = reader.raw(TAG_BYTES).slice();
  return { volume, epoch, tag, kind: KINDS[reader.u8()] ?? "needles", createdMillis: reader.u64() };
}

export function targetWriter({ volume, generation, epoch }: Target, capacity = 32): ByteWriter {
  return new ByteWriter(capacity).varint(volume).varint(generation).varint(epoch);
}

export function readTarget(reader: ByteReader): Target {
  return { volume: reader.varint(), generation: reader.varint(), epoch: reader.varint() };
}

export function encodeWrite(target: Target, run: number, position: number, chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const writer = targetWriter(target, bytes + 48)
    .u32(run)
    .u64(position);
  for (const chunk of chunks) writer.raw(chunk);
  return writer.end();
}

export function encodeRead(volume: number, generation: number, { position, length }: Span): Uint8Array {
  return new ByteWriter(32).varint(volume).varint(generation).u64(position).varint(length).finish();
}

export function encodeRun(run: number): Uint8Array {
  return new ByteWriter(4).u32(run).finish();
}

export function decodeRun(head: Uint8Array): number {
  return new ByteReader(head).u32();
}

export function encodeName({ volume, needle }: NeedleName): Uint8Array {
  return new ByteWriter(16).varint(volume).varint(needle).finish();
}

export interface Space {
  readonly bytesFree: number;
  /** Free space that new bytes leave alone. */
  readonly bytesReserved: number;
}

export function encodeSpace({ bytesFree, bytesReserved }: Space): Uint8Array {
  return new ByteWriter(16).u64(bytesFree).u64(bytesReserved).finish();
}

export function decodeSpace(head: Uint8Array): Space {
  const reader = new ByteReader(head);
  return { bytesFree: reader.u64(), bytesReserved: reader.u64() };
}

export interface SpanChecksum {
  /** Fewer than asked for at the end of the file. */
  readonly bytes: number;
  readonly checksum: number;
}

export function encodeSpanChecksum({ bytes, checksum }: SpanChecksum): Uint8Array {
  return new ByteWriter(16).varint(bytes).u32(checksum).finish();
}

export function decodeSpanChecksum(head: Uint8Array): SpanChecksum {
  const reader = new ByteReader(head);
  return { bytes: reader.varint(), checksum: reader.u32() };
}
