import type { DiskFile } from "../../env/index.ts";
import { SUPERBLOCK_BYTES, type VolumeIdentity } from "../format.ts";
import { NeedleTable } from "../needle-table.ts";
import { readSuperblock } from "../superblock.ts";
import { readSlot, type Slot, walkSlots } from "../walk.ts";
import type { ReadableFile } from "../window.ts";

const COPY_BYTES = 1_048_576;
/** Read at once: small against what the disk does for others meanwhile. */
const WINDOW_BYTES = 262_144;

export interface Copies {
  /** Open for writing; a sealed volume's. */
  readonly file: DiskFile;
  readonly identity: VolumeIdentity;
  /** Other copies of the same generation: all are equal where nothing is damaged. */
  readonly sources: readonly ReadableFile[];
  readonly pace: (bytes: number) => Promise<void>;
}

export interface MendInput extends Copies {
  /** Of the whole file, as the row says. */
  readonly durable: number;
}

export interface Mended {
  /** Slots, tables and superblocks that were made whole. */
  readonly repaired: number;
  /** That no copy has whole; what a crash left behind that nobody refers to is among them. */
  readonly left: number;
}

/**
 * Makes a copy whole by the others: what does not hold here and holds there is copied, byte for byte at its place. Nothing
 * that holds is touched, and nothing is believed unverified. Not durable yet.
 */
export async function mendCopy(given: MendInput): Promise<Mended> {
  const input = { ...given, sources: given.sources.map(lenient) };
  const { file, identity, durable } = input;
  if ((await file.length()) < durable) await file.setLength(durable);
  let repaired = (await mendSuperblock(input)) ? 1 : 0;
  if (await mendTable(input)) repaired++;
  const table = identity.generation === 1 ? undefined : await NeedleTable.open(file, identity);
  const to = table?.slotsEnd ?? durable;
  const slots = await mendRange(input, { from: SUPERBLOCK_BYTES, to });
  return { repaired: repaired + slots.repaired, left: slots.left };
}

/**
 * The slots of an open volume's file from where one begins up to its end. What nothing was ever written to behind the last
 * one is not damage.
 */
export async function mendTail(given: Copies, from: number): Promise<Mended> {
  const isUnused = (slot: Slot): boolean => slot.kind === "hole" && slot.dataEnd === slot.position;
  const input = { ...given, sources: given.sources.map(lenient) };
  const to = await given.file.length();
  return mendRange(input, { from, to }, (slot) => slot.end === to && isUnused(slot));
}

/**
 * The one slot that begins there. "damaged": no other copy has it whole either. `to` is where the slots of the volume end.
 */
export async function mendSlot(
  { file, identity, sources, pace }: Copies,
  position: number,
  to: number,
): Promise<"whole" | "mended" | "damaged"> {
  const options = { to, verify: "data" as const, pace, windowBytes: WINDOW_BYTES, skipsUnreadable: true };
  const slotIn = async (copy: ReadableFile): Promise<Slot | undefined> => {
    const slot = await readSlot(copy, identity, position, options);
    return slot === undefined || isBroken(slot) ? undefined : slot;
  };
  if ((await slotIn(file)) !== undefined) return "whole";
  for (const source of sources.map(lenient)) {
    const good = await slotIn(source);
    if (good === undefined) continue;
    await copySpan(source, file, position, good.end);
    if ((await slotIn(file)) !== undefined) return "mended";
  }
  return "damaged";
}

async function mendRange(
  input: Copies,
  { from, to }: { readonly from: number; readonly to: number },
  isFit: (slot: Slot) => boolean = () => false,
): Promise<Mended> {
  let [repaired, left] = [0, 0];
  for await (const slot of walk(input.file, input, { from, to })) {
    if (!isBroken(slot) || isFit(slot)) continue;
    const found = await mendSpan(input, slot);
    repaired += found.repaired;
    left += found.left;
  }
  return { repaired, left };
}

/** In a slot's place may stand several there: a header that fails hides those behind it. */
async function mendSpan(input: Copies, { position, end }: Slot): Promise<Mended> {
  const { file, identity, sources } = input;
  let repaired = 0;
  for (const source of sources) {
    let isWhole = true;
    for await (const good of walk(source, input, { from: position, to: end })) {
      if (isBroken(good)) {
        isWhole = false;
        continue;
      }
      await copySpan(source, file, good.position, good.end);
      const now = await readSlot(file, identity, good.position, { to: end, verify: "data" });
      if (now === undefined || isBroken(now)) isWhole = false;
      else repaired++;
    }
    if (isWhole) return { repaired, left: 0 };
  }
  return { repaired, left: 1 };
}

async function mendSuperblock({ file, identity, sources }: Copies): Promise<boolean> {
  if (await hasSuperblock(file, identity)) return false;
  for (const source of sources) {
    if (!(await hasSuperblock(source, identity))) continue;
    await copySpan(source, file, 0, SUPERBLOCK_BYTES);
    return hasSuperblock(file, identity);
  }
  return false;
}

async function hasSuperblock(file: ReadableFile, { volume, generation }: VolumeIdentity): Promise<boolean> {
  const superblock = await readSuperblock(file);
  return superblock?.identity.volume === volume && superblock.identity.generation === generation;
}

async function mendTable({ file, identity, durable, sources }: MendInput): Promise<boolean> {
  if (identity.generation === 1 || (await hasTable(file, identity))) return false;
  for (const source of sources) {
    if (!(await hasTable(source, identity))) continue;
    const { slotsEnd } = await NeedleTable.open(source, identity);
    await copySpan(source, file, slotsEnd, durable);
    return hasTable(file, identity);
  }
  return false;
}

async function hasTable(file: ReadableFile, identity: VolumeIdentity): Promise<boolean> {
  const table = await NeedleTable.open(file, identity);
  return !table.damaged && (await table.verify(file));
}

async function copySpan(source: ReadableFile, file: DiskFile, from: number, to: number): Promise<void> {
  for (let position = from; position < to; position += COPY_BYTES) {
    await file.write(position, [await source.read(position, Math.min(COPY_BYTES, to - position))]);
  }
}

/** What another copy does not give reads as zeros: then it does not hold, and the next copy is asked. */
function lenient(source: ReadableFile): ReadableFile {
  return {
    read: (position, length) => source.read(position, length).catch(() => new Uint8Array(length)),
    length: () => source.length(),
  };
}

function walk(file: ReadableFile, { identity, pace }: Copies, range: { readonly from: number; readonly to: number }) {
  const options = { ...range, verify: "data" as const, pace, windowBytes: WINDOW_BYTES, skipsUnreadable: true };
  return walkSlots(file, identity, options);
}

function isBroken(slot: Slot): boolean {
  return slot.kind === "hole" || (slot.kind === "needle" && (slot.state === "unfinished" || slot.state === "damaged"));
}
