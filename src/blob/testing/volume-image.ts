import { utf8 } from "../../std/bytes.ts";
import {
  alignUp,
  identityOf,
  SECTOR_BYTES,
  SUPERBLOCK_BYTES,
  slotBytesFor,
  UNIT_BYTES,
  type VolumeIdentity,
} from "../format.ts";
import { NeedleRecord } from "../needle-record.ts";
import { encodeSuperblock } from "../superblock.ts";

export const IMAGE_IDENTITY: VolumeIdentity = identityOf(7, 1, utf8("tag tag "));

export interface ImageNeedle {
  readonly needle: number;
  readonly position: number;
  readonly end: number;
  readonly owner: string;
  readonly data: Uint8Array;
  readonly checksum: number;
}

export interface VolumeImage {
  readonly bytes: Uint8Array;
  readonly needles: readonly ImageNeedle[];
}

/** The file of an open volume to which batches of needles were appended; each length stands for one needle. */
export function volumeImage(batches: readonly (readonly number[])[], spareBytes: number = SECTOR_BYTES): VolumeImage {
  const identity = IMAGE_IDENTITY;
  const chunks: { readonly position: number; readonly bytes: Uint8Array }[] = [];
  const needles: ImageNeedle[] = [];
  let position = SUPERBLOCK_BYTES;
  for (const [batch, lengths] of batches.entries()) {
    const durable = position;
    for (const [at, length] of lengths.entries()) {
      const owner = `owner ${needles.length}`;
      const data = new Uint8Array(length).map((_, index) => (index * 7 + needles.length * 31 + batch) & 0xff);
      const record = new NeedleRecord(utf8(owner), length, new Uint8Array(slotBytesFor(owner.length, length)));
      record.data.set(data);
      record.seal();
      const slotEnd = position + record.bytes.length;
      const end = at === lengths.length - 1 ? alignUp(slotEnd, SECTOR_BYTES) : slotEnd;
      const needle = position / UNIT_BYTES;
      record.place({ needle, slotBytes: end - position, epoch: 1, timeMillis: 1000, durable, identity });
      chunks.push({ position, bytes: record.bytes });
      needles.push({ needle, position, end, owner, data, checksum: record.checksum });
      position = end;
    }
  }
  const bytes = new Uint8Array(position + spareBytes);
  bytes.set(encodeSuperblock({ identity, kind: "needles", createdMillis: 1 }));
  for (const chunk of chunks) bytes.set(chunk.bytes, chunk.position);
  return { bytes, needles };
}
