import type { DiskFile } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import type { DamageEvent } from "./events.ts";
import { alignUp, HEADER_BYTES, SECTOR_BYTES, UNIT_BYTES, type VolumeIdentity } from "./format.ts";
import { encodeHeader } from "./needle.ts";
import { type BlobBugs, NO_BUGS } from "./seeded-bugs.ts";
import { type Hole, type NeedleSlot, type Slot, walkSlots } from "./walk.ts";

export interface RecoveryStart {
  /** Up to here the Store knows that all was synced and settled; nothing before it is read. A slot begins there. */
  readonly durable: number;
  /** Fillers and void slots before `durable`. */
  readonly gapBytes: number;
  /** For headers of fillers. */
  readonly epoch: number;
  readonly timeMillis: number;
}

/**
 * Finds out which of these needles rows name, and sees to it that no row will ever name any of the others: nobody waits
 * for their acknowledgement any more. Returns the positions of the live ones.
 */
export type TailJudge = (unproven: readonly NeedleSlot[]) => Promise<ReadonlySet<number>>;

export interface Recovered {
  /** Where appending goes on: a sector boundary with nothing but zeros behind it. */
  readonly tail: number;
  readonly gapBytes: number;
  readonly fileBytes: number;
  /** What was never acknowledged, covered by fillers now. */
  readonly torn: readonly { readonly position: number; readonly bytes: number }[];
  /** What had been synced and fails now. It is left as it is. */
  readonly damage: readonly DamageFound[];
}

export type DamageFound = Pick<DamageEvent, "needle" | "position" | "bytes" | "what">;

const ZEROS = new Uint8Array(1_048_576);

/**
 * Reads an open volume's end back. A slot was synced if a header that was written later says so, or if a row names a
 * needle that shares sectors with it: it was acknowledged then. Where such a slot fails it is damage, reported and left
 * alone.
 *
 * All else was never acknowledged, however whole it looks: after a failed sync the page cache holds what the disk does
 * not, and no later sync writes it. So it is overwritten: zeros, and a filler in front, which keeps the chain of slots
 * whole and its positions from being given out again. All is synced before anyone acts on it.
 */
export async function recoverVolume(
  file: DiskFile,
  identity: VolumeIdentity,
  start: RecoveryStart,
  judge: TailJudge,
  bugs: BlobBugs = NO_BUGS,
): Promise<Recovered> {
  const fileBytes = await file.length();
  const slots = await readTail(file, identity, start, fileBytes);
  const proven = slots.reduce((durable, slot) => Math.max(durable, provenBy(slot)), start.durable);
  const before = slots.filter(({ position }) => position < proven).map((slot) => upTo(slot, proven));
  const groups = groupBySectors(slots.filter(({ end }) => end > proven).map((slot) => onFrom(slot, proven)));
  const live = await judge(groups.flat().filter(isCandidate));
  const damage = before.filter(isBroken).map(damageOf);
  const torn: { position: number; bytes: number }[] = [];
  let gapBytes = before.filter(isGap).reduce((sum, slot) => sum + slot.end - slot.position, start.gapBytes);
  let tail = alignUp(before.at(-1)?.end ?? start.durable, SECTOR_BYTES);
  for (const group of groups) {
    const position = group[0]!.position;
    const end = alignUp(group.at(-1)!.end, SECTOR_BYTES);
    tail = end;
    if (group.some((slot) => live.has(slot.position))) {
      damage.push(...group.filter(isBroken).map(damageOf));
      continue;
    }
    gapBytes += end - position;
    if (bugs.has("trust-the-page-cache") && !group.some(isBroken)) continue;
    const last = torn.at(-1);
    if (last !== undefined && last.position + last.bytes === position) last.bytes += end - position;
    else torn.push({ position, bytes: end - position });
  }
  if (bugs.has("keep-torn-tail")) return { tail, gapBytes, fileBytes, torn, damage };
  await coverAll(file, identity, { ...start, durable: proven }, torn);
  return { tail, gapBytes, fileBytes: Math.max(fileBytes, tail), torn, damage };
}

/** All slots behind `durable`; what a crash left behind the last one is a hole that ends where the zeros begin. */
async function readTail(
  file: DiskFile,
  identity: VolumeIdentity,
  start: RecoveryStart,
  fileBytes: number,
): Promise<Slot[]> {
  const slots: Slot[] = [];
  for await (const slot of walkSlots(file, identity, { from: start.durable, to: fileBytes, verify: "data" })) {
    slots.push(slot);
  }
  const unused = slots.at(-1)?.kind === "hole" ? (slots.pop() as Hole) : undefined;
  const position = slots.at(-1)?.end ?? start.durable;
  // A batch fills its last sector: where the last slot does not, more of it is missing.
  const end = alignUp(Math.max(position, unused?.dataEnd ?? 0), SECTOR_BYTES);
  if (end > position) slots.push({ kind: "hole", position, end, dataEnd: unused?.dataEnd ?? position });
  return slots;
}

function provenBy(slot: Slot): number {
  return slot.kind === "hole" ? 0 : slot.header.durable;
}

/** The part of a hole that was proven synced. */
function upTo(slot: Slot, proven: number): Slot {
  return slot.kind === "hole" && slot.end > proven ? { ...slot, end: proven } : slot;
}

function onFrom(slot: Slot, proven: number): Slot {
  return slot.kind === "hole" && slot.position < proven ? { ...slot, position: proven } : slot;
}

/** Runs of slots that share no sector with each other. */
function groupBySectors(slots: readonly Slot[]): Slot[][] {
  const groups: Slot[][] = [];
  let open: Slot[] = [];
  for (const slot of slots) {
    open.push(slot);
    if (slot.end % SECTOR_BYTES !== 0) continue;
    groups.push(open);
    open = [];
  }
  if (open.length > 0) groups.push(open);
  return groups;
}

function isBroken(slot: Slot): boolean {
  return slot.kind === "hole" || (slot.kind === "needle" && (slot.state === "unfinished" || slot.state === "damaged"));
}

/** A void slot is nobody's. */
function isCandidate(slot: Slot): slot is NeedleSlot {
  return slot.kind === "needle" && slot.state !== "void";
}

function isGap(slot: Slot): boolean {
  return slot.kind === "filler" || (slot.kind === "needle" && slot.state === "void");
}

function damageOf(slot: Slot): DamageFound {
  const bytes = slot.end - slot.position;
  if (slot.kind !== "needle") return { needle: undefined, position: slot.position, bytes, what: "header" };
  const what = slot.state === "damaged" ? "data" : "footer";
  return { needle: slot.header.needle, position: slot.position, bytes, what };
}

/**
 * The fillers are on disk before anything behind them becomes zeros: a crash in between must not make a position that
 * was given out look as if it had never been.
 */
async function coverAll(
  file: DiskFile,
  identity: VolumeIdentity,
  start: RecoveryStart,
  ranges: readonly { readonly position: number; readonly bytes: number }[],
): Promise<void> {
  for (const { position, bytes } of ranges) {
    assert(position % SECTOR_BYTES === 0, "no acknowledged byte shares a sector with a filler");
    await file.write(position, [encodeFiller(identity, start, position, bytes)]);
  }
  await file.sync();
  if (ranges.length === 0) return;
  for (const { position, bytes } of ranges) {
    for (let at = HEADER_BYTES; at < bytes; at += ZEROS.length) {
      await file.write(position + at, [ZEROS.subarray(0, Math.min(ZEROS.length, bytes - at))]);
    }
  }
  await file.sync();
}

function encodeFiller(
  identity: VolumeIdentity,
  { epoch, timeMillis, durable }: RecoveryStart,
  position: number,
  slotBytes: number,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const needle = position / UNIT_BYTES;
  const header = { filler: true, needle, slotBytes, ownerBytes: 0, dataBytes: 0, epoch, timeMillis, durable };
  encodeHeader(bytes, 0, header, identity);
  return bytes;
}
