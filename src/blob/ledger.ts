import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";

const ROW_VERSION = 1;
/** Further damaged needles are only counted. */
const DAMAGED_LISTED_MAX = 256;

export interface DamageList {
  count: number;
  needles: number[];
}

/** What background work knows about one volume: the row of the `scrub` table. */
export interface Ledger {
  /** End of the last complete verification; 0: never. */
  verifiedMillis: number;
  verifiedBytes: number;
  /** What the last complete verification found, and what others found since. */
  damage: DamageList;
  /** The running verification: needles below are done. */
  scrubCursor: number;
  scrubbedBytes: number;
  scrubDamage: DamageList;
  /** The running search for orphans: needles below have been asked about. */
  sweepCursor: number;
  /** End of the last complete search; 0: never. */
  sweptMillis: number;
}

export function emptyLedger(): Ledger {
  return {
    verifiedMillis: 0,
    verifiedBytes: 0,
    damage: { count: 0, needles: [] },
    scrubCursor: 0,
    scrubbedBytes: 0,
    scrubDamage: { count: 0, needles: [] },
    sweepCursor: 0,
    sweptMillis: 0,
  };
}

/** False where the list has the needle already. */
export function addDamage(list: DamageList, needle: number): boolean {
  if (list.needles.includes(needle)) return false;
  list.count++;
  if (list.needles.length < DAMAGED_LISTED_MAX) list.needles.push(needle);
  return true;
}

export function encodeLedger(ledger: Ledger): Uint8Array {
  const writer = new ByteWriter(128).u8(ROW_VERSION).u64(ledger.verifiedMillis).u64(ledger.verifiedBytes);
  writeDamage(writer, ledger.damage);
  writer.u32(ledger.scrubCursor).u64(ledger.scrubbedBytes);
  writeDamage(writer, ledger.scrubDamage);
  return writer.u32(ledger.sweepCursor).u64(ledger.sweptMillis).finish();
}

/** A ledger of another version starts anew: it holds nothing that can not be found out again. */
export function decodeLedger(bytes: Uint8Array): Ledger {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== ROW_VERSION) return emptyLedger();
  return {
    verifiedMillis: reader.u64(),
    verifiedBytes: reader.u64(),
    damage: readDamage(reader),
    scrubCursor: reader.u32(),
    scrubbedBytes: reader.u64(),
    scrubDamage: readDamage(reader),
    sweepCursor: reader.u32(),
    sweptMillis: reader.u64(),
  };
}

function writeDamage(writer: ByteWriter, damage: DamageList): void {
  writer.varint(damage.count).varint(damage.needles.length);
  for (const needle of damage.needles) writer.u32(needle);
}

function readDamage(reader: ByteReader): DamageList {
  const count = reader.varint();
  return { count, needles: Array.from({ length: reader.varint() }, () => reader.u32()) };
}
