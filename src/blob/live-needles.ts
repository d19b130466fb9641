import { assert } from "../std/assert.ts";
import { STORE_LIMITS, type Store } from "../store/index.ts";
import { findDamagedBlock, wholeChecksum } from "./block-checksums.ts";
import { blobFailure } from "./errors.ts";
import type { DamageEvent } from "./events.ts";
import type { FileLease } from "./file-cache.ts";
import { BLOCK_BYTES, HEADER_BYTES } from "./format.ts";
import { deadAddress, decodeMark } from "./needle-rows.ts";
import { type NeedleSlot, type Slot, walkSlots } from "./walk.ts";

const BATCH_NEEDLES = 500;

export interface LiveNeedlesContext {
  readonly store: Store;
  readonly pace: (bytes: number) => Promise<void>;
  readonly onDamage: (damage: Omit<DamageEvent, "kind">) => void;
}

/**
 * The needles of a sealed volume without a garbage mark, in file order. While the volume is held no mark changes.
 * Throws VOLUME_NOT_COMPACTED at anything that can not be read: it may be somebody's.
 */
export async function* liveNeedles(
  context: LiveNeedlesContext,
  lease: FileLease,
  range: { readonly from: number; readonly to: number },
): AsyncGenerator<NeedleSlot, void, void> {
  assert(BATCH_NEEDLES <= STORE_LIMITS.getManyMax, "the marks of a batch are read at once");
  let batch: NeedleSlot[] = [];
  const options = { ...range, verify: "footers" as const, pace: context.pace };
  for await (const slot of walkSlots(lease.file, lease.identity, options)) {
    if (slot.kind === "hole") throw damaged(context, lease, slot, "header");
    if (slot.kind === "filler" || slot.state === "void") continue;
    batch.push(slot);
    if (batch.length < BATCH_NEEDLES) continue;
    yield* unmarked(context, lease, batch);
    batch = [];
  }
  yield* unmarked(context, lease, batch);
}

/** Reads a part of the needle's data, beginning with a whole block, and verifies it. */
export async function readLive(
  context: LiveNeedlesContext,
  lease: FileLease,
  slot: NeedleSlot,
  from: number,
  length: number,
): Promise<Uint8Array> {
  const data = await lease.file.read(slot.position + HEADER_BYTES + slot.owner.length + from, length);
  const { blocks } = slot.trailer!;
  if (data.length < length || findDamagedBlock(data, blocks, from / BLOCK_BYTES) !== undefined) {
    throw damaged(context, lease, slot, "data");
  }
  return data;
}

async function* unmarked(
  context: LiveNeedlesContext,
  lease: FileLease,
  slots: readonly NeedleSlot[],
): AsyncGenerator<NeedleSlot, void, void> {
  if (slots.length === 0) return;
  const { volume } = lease.identity;
  const marks = await context.store.getMany(
    slots.map(({ owner, header }) => deadAddress(owner, { volume, needle: header.needle })),
  );
  for (const [at, slot] of slots.entries()) {
    const mark = marks[at];
    if (mark !== undefined && decodeMark(mark.value).state === "garbage") continue;
    const { trailer } = slot;
    if (trailer === undefined || wholeChecksum(trailer.blocks, slot.header.dataBytes) !== trailer.checksum) {
      throw damaged(context, lease, slot, "footer");
    }
    yield slot;
  }
}

function damaged({ onDamage }: LiveNeedlesContext, lease: FileLease, slot: Slot, what: DamageEvent["what"]): Error {
  const { volume, generation } = lease.identity;
  const { position } = slot;
  const needle = slot.kind === "needle" ? slot.header.needle : undefined;
  onDamage({ volume, generation, found: "compaction", needle, position, bytes: slot.end - position, what });
  return blobFailure("VOLUME_NOT_COMPACTED", { data: { volume, generation, position, what } });
}
