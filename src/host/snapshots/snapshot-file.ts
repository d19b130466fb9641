import { type Configuration, decodeConfiguration, encodeConfiguration } from "../../core/raft/index.ts";
import type { DiskFile } from "../../env/index.ts";
import { crc32c } from "../../std/checksums/index.ts";
import { hasCode } from "../../std/errors.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import type { ByteSource } from "../../std/source.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";
import type { SnapshotDisk } from "../storage/raft-storage.ts";

// A snapshot as a file, which is also how it travels: another node fetches it piece by piece.
//
//   head     magic "ASHLARSN" | version u32 | length of the body u32 | body: group, index, term, configuration | crc32c u32
//   block    length u32 (not 0) | crc32c of the bytes u32 | bytes, at most 1 MiB
//   end      0 u32 | length of all bytes u64 | crc32c of the bytes of head and blocks' checksums u32

const MAGIC = "ASHLARSN";
const VERSION = 1;
const BLOCK_BYTES = 1024 * 1024;
const HEAD_FIXED_BYTES = 16;
const HEAD_BYTES_MAX = 64 * 1024;
const BLOCK_HEAD_BYTES = 8;
const END_BYTES = 16;

export interface SnapshotHead {
  readonly group: number;
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
}

/** Writes and syncs a whole file; its name is its caller's to make durable. */
export async function writeSnapshotFile(
  disk: SnapshotDisk,
  name: string,
  head: SnapshotHead,
  source: ByteSource,
): Promise<number> {
  const file = await disk.open(name, "create");
  try {
    const encoded = encodeHead(head);
    await file.write(0, [encoded]);
    let position = encoded.length;
    let bytesTotal = 0;
    let chain = crc32c(encoded);
    for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) {
      for (let at = 0; at < chunk.length; at += BLOCK_BYTES) {
        const bytes = chunk.subarray(at, at + BLOCK_BYTES);
        const blockHead = new ByteWriter(BLOCK_HEAD_BYTES).u32(bytes.length).u32(crc32c(bytes)).finish();
        chain = crc32c(blockHead, chain);
        await file.write(position, [blockHead, bytes]);
        position += blockHead.length + bytes.length;
        bytesTotal += bytes.length;
      }
    }
    const end = new ByteWriter(END_BYTES).u32(0).u64(bytesTotal).u32(chain).finish();
    await file.write(position, [end]);
    await file.sync();
    return position + end.length;
  } catch (error) {
    source.cancel(error);
    throw error;
  } finally {
    await file.close();
  }
}

/** Rejects with SNAPSHOT_DAMAGED. */
export async function readSnapshotHead(
  file: DiskFile,
): Promise<{ readonly head: SnapshotHead; readonly bytes: Uint8Array }> {
  const fixed = await file.read(0, HEAD_FIXED_BYTES);
  if (fixed.length < HEAD_FIXED_BYTES || !isMagic(fixed)) throw damaged(file, 0);
  const reader = new ByteReader(fixed, MAGIC.length);
  const version = reader.u32();
  const bodyBytes = reader.u32();
  if (version !== VERSION || bodyBytes > HEAD_BYTES_MAX) throw damaged(file, 0);
  const bytes = await file.read(0, HEAD_FIXED_BYTES + bodyBytes + 4);
  const covered = HEAD_FIXED_BYTES + bodyBytes;
  if (bytes.length < covered + 4) throw damaged(file, 0);
  if (new ByteReader(bytes, covered).u32() !== crc32c(bytes.subarray(0, covered))) throw damaged(file, 0);
  try {
    const body = new ByteReader(bytes.subarray(HEAD_FIXED_BYTES, covered));
    const head = { group: body.varint(), index: body.varint(), term: body.varint() };
    return { head: { ...head, configuration: decodeConfiguration(body.blob()) }, bytes };
  } catch (cause) {
    if (cause instanceof MalformedBytes || hasCode(cause, "MALFORMED")) throw damaged(file, 0, cause);
    throw cause;
  }
}

/** The machine's bytes, each block verified before it is handed out. Its reads reject with SNAPSHOT_DAMAGED. */
export async function openSnapshotFile(
  disk: SnapshotDisk,
  name: string,
): Promise<{ readonly head: SnapshotHead; readonly bytes: number; readonly source: ByteSource }> {
  const file = await disk.open(name, "read");
  try {
    const { head, bytes } = await readSnapshotHead(file);
    return { head, bytes: await file.length(), source: blocksOf(file, bytes) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Reads the whole file. Rejects with SNAPSHOT_DAMAGED. */
export async function proveSnapshotFile(disk: SnapshotDisk, name: string): Promise<SnapshotHead> {
  const { head, source } = await openSnapshotFile(disk, name);
  while ((await source.read()) !== null);
  return head;
}

function blocksOf(file: DiskFile, headBytes: Uint8Array): ByteSource {
  let position = headBytes.length;
  let chain = crc32c(headBytes);
  let bytesTotal = 0;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= file.close());
  const next = async (): Promise<Uint8Array | null> => {
    const blockHead = await file.read(position, BLOCK_HEAD_BYTES);
    if (blockHead.length < BLOCK_HEAD_BYTES) throw damaged(file, position);
    const reader = new ByteReader(blockHead);
    const length = reader.u32();
    if (length === 0) {
      const end = new ByteReader(await file.read(position + 4, END_BYTES - 4));
      if (end.remaining < END_BYTES - 4 || end.u64Unsafe() !== bytesTotal || end.u32() !== chain)
        throw damaged(file, position);
      return null;
    }
    const expected = reader.u32();
    if (length > BLOCK_BYTES) throw damaged(file, position);
    const bytes = await file.read(position + BLOCK_HEAD_BYTES, length);
    if (bytes.length < length || crc32c(bytes) !== expected) throw damaged(file, position);
    chain = crc32c(blockHead, chain);
    position += BLOCK_HEAD_BYTES + length;
    bytesTotal += length;
    return bytes;
  };
  return {
    async read() {
      if (closing !== undefined) return null;
      try {
        const bytes = await next();
        if (bytes === null) await close();
        return bytes;
      } catch (error) {
        await close();
        throw error;
      }
    },
    cancel() {
      close().catch(() => {});
    },
  };
}

function encodeHead({ group, index, term, configuration }: SnapshotHead): Uint8Array {
  const body = new ByteWriter(256).varint(group).varint(index).varint(term).blob(encodeConfiguration(configuration));
  const writer = new ByteWriter(512);
  for (let at = 0; at < MAGIC.length; at++) writer.u8(MAGIC.charCodeAt(at));
  const bytes = body.finish();
  writer.u32(VERSION).u32(bytes.length).raw(bytes);
  return writer.u32(crc32c(writer.finish())).finish();
}

function isMagic(bytes: Uint8Array): boolean {
  for (let at = 0; at < MAGIC.length; at++) if (bytes[at] !== MAGIC.charCodeAt(at)) return false;
  return true;
}

function damaged(file: DiskFile, position: number, cause?: unknown): Error {
  const data = { file: file.name, position };
  return hostFailure("SNAPSHOT_DAMAGED", { data, ...(cause !== undefined && { cause }) });
}
