import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import { BlockChecksums, findDamagedBlock, wholeChecksum } from "./block-checksums.ts";
import {
  BLOCK_BYTES,
  HEADER_BYTES,
  identityOf,
  needleBytes,
  parseVolumeFileName,
  slotBytesFor,
  trailerBytes,
  volumeFileName,
} from "./format.ts";
import { encodeHeader, encodeTrailer, type NeedleHeader, parseHeader, parseTrailer } from "./needle.ts";
import { encodeSuperblock, parseSuperblock } from "./superblock.ts";

const IDENTITY = identityOf(3, 1, utf8("12345678"));
const OWNER = utf8("bucket/key");

function header(changes: Partial<NeedleHeader> = {}): NeedleHeader {
  const dataBytes = changes.dataBytes ?? 70_000;
  const slotBytes = slotBytesFor(OWNER.length, dataBytes);
  const ownerBytes = OWNER.length;
  const fields = { filler: false, needle: 512, epoch: 9, timeMillis: 1_700_000_000_000, durable: 2 ** 34 };
  return { ...fields, slotBytes, ownerBytes, dataBytes, ...changes };
}

function headerBytes(fields = header()): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + fields.ownerBytes);
  if (fields.ownerBytes > 0) bytes.set(OWNER, HEADER_BYTES);
  encodeHeader(bytes, 0, fields, IDENTITY);
  return bytes;
}

describe("the volume format", () => {
  test("names files so that they can be told from others", () => {
    equal(volumeFileName(12, 1), "volumes/00000012.g1.volume");
    deepEqual(parseVolumeFileName("00000012.g1.volume"), { volume: 12, generation: 1 });
    deepEqual(parseVolumeFileName("4294967295.g30.volume"), { volume: 4_294_967_295, generation: 30 });
    for (const name of ["12.g1.volume", "00000012.g0.volume", "00000012.g1.volume~", "00000012.volume", "x"]) {
      equal(parseVolumeFileName(name), undefined);
    }
  });

  test("gives a needle 96 bytes, 4 a block and its owner on top of the data", () => {
    equal(needleBytes(10, 1) - 10 - 1, 100);
    equal(needleBytes(10, BLOCK_BYTES) - 10 - BLOCK_BYTES, 100);
    equal(needleBytes(10, BLOCK_BYTES + 1) - 10 - BLOCK_BYTES - 1, 104);
  });

  test("a superblock comes back, and does not with any bit flipped", () => {
    const superblock = { identity: IDENTITY, kind: "extents" as const, createdMillis: 1_700_000_000_000 };
    const bytes = encodeSuperblock(superblock);
    deepEqual(parseSuperblock(bytes), superblock);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      equal(parseSuperblock(bytes), undefined);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    equal(parseSuperblock(bytes.subarray(0, 4095)), undefined);
  });

  test("a superblock of a later version is refused by name", () => {
    const bytes = encodeSuperblock({ identity: IDENTITY, kind: "needles", createdMillis: 1 });
    const view = new DataView(bytes.buffer);
    view.setUint32(8, 2, true);
    view.setUint32(4092, crc32c(bytes.subarray(0, 4092)), true);
    throws(
      () => parseSuperblock(bytes),
      (error) => hasCode(error, "VOLUME_FORMAT_NEWER"),
    );
  });

  test("a header comes back, and does not with any bit flipped, its owner's included", () => {
    for (const wanted of [header(), header({ filler: true, ownerBytes: 0, dataBytes: 0, slotBytes: 4096 })]) {
      const bytes = headerBytes(wanted);
      deepEqual(parseHeader(bytes, 0, IDENTITY), wanted);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        equal(parseHeader(bytes, 0, IDENTITY), undefined);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
      equal(parseHeader(bytes.subarray(0, -1), 0, IDENTITY), undefined);
    }
  });

  test("a header counts only in its own volume, generation and life", () => {
    const bytes = headerBytes();
    for (const other of [
      identityOf(4, 1, IDENTITY.tag),
      identityOf(3, 2, IDENTITY.tag),
      identityOf(3, 1, utf8("1234567x")),
    ]) {
      notEqual(other.salt, IDENTITY.salt);
      equal(parseHeader(bytes, 0, other), undefined);
    }
  });

  test("a header whose sizes do not fit together does not count", () => {
    for (const bad of [
      header({ slotBytes: 8 }),
      header({ dataBytes: 0 }),
      header({ filler: true, dataBytes: 5 }),
      header({ slotBytes: slotBytesFor(OWNER.length, 70_000) - 8 }),
    ]) {
      equal(parseHeader(headerBytes(bad), 0, IDENTITY), undefined);
    }
  });

  test("a trailer comes back, bound to its header, and does not with any bit flipped", () => {
    const dataBytes = 3 * BLOCK_BYTES - 5;
    const binding = { needle: 512, dataBytes, headerChecksum: 77 };
    const trailer = { state: "complete" as const, blocks: [1, 2, 0xffff_ffff], checksum: 5 };
    const bytes = new Uint8Array(trailerBytes(dataBytes));
    encodeTrailer(bytes, 0, trailer, binding, IDENTITY);
    deepEqual(parseTrailer(bytes, 0, binding, IDENTITY), trailer);
    for (const other of [
      { ...binding, needle: 513 },
      { ...binding, headerChecksum: 78 },
      { ...binding, dataBytes: dataBytes - 1 },
    ]) {
      equal(parseTrailer(bytes, 0, other, IDENTITY), undefined);
    }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      equal(parseTrailer(bytes, 0, binding, IDENTITY), undefined);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  test("a void footer holds without the block checksums that were never known", () => {
    const binding = { needle: 512, dataBytes: 100_000, headerChecksum: 77 };
    const bytes = new Uint8Array(trailerBytes(100_000));
    encodeTrailer(bytes, 0, { state: "void", blocks: [], checksum: 0 }, binding, IDENTITY);
    bytes[0] = 99;
    deepEqual(parseTrailer(bytes, 0, binding, IDENTITY), { state: "void", blocks: [], checksum: 0 });
  });
});

describe("block checksums", () => {
  test("are those of the blocks and give the whole's, however the data comes in", () => {
    const data = new Uint8Array(3 * BLOCK_BYTES + 17).map((_, at) => (at * 13) & 0xff);
    for (const step of [1000, BLOCK_BYTES, BLOCK_BYTES + 1, data.length]) {
      const checksums = new BlockChecksums();
      for (let at = 0; at < data.length; at += step) checksums.update(data.subarray(at, at + step));
      const blocks = checksums.finish();
      equal(checksums.length, data.length);
      deepEqual(
        blocks,
        [0, 1, 2, 3].map((block) => crc32c(data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES))),
      );
      equal(wholeChecksum(blocks, data.length), crc32c(data));
    }
  });

  test("tell which block is damaged", () => {
    const data = new Uint8Array(3 * BLOCK_BYTES).fill(3);
    const checksums = new BlockChecksums();
    checksums.update(data);
    const blocks = checksums.finish();
    equal(findDamagedBlock(data, blocks), undefined);
    data[2 * BLOCK_BYTES + 5]! ^= 1;
    equal(findDamagedBlock(data, blocks), 2);
    equal(findDamagedBlock(data.subarray(2 * BLOCK_BYTES), blocks, 2), 2);
    ok(findDamagedBlock(data.subarray(0, BLOCK_BYTES), blocks, 1) === undefined, "equal blocks have equal checksums");
  });
});
