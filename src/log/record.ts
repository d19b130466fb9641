import { ByteReader, MalformedBytes } from "../std/reader.ts";
import type { ByteWriter } from "../std/writer.ts";

/**
 * What the log keeps for its groups: entries, what voids them, and marks, of which the latest of each kind counts. A group of one writes
 * entries of term 1, compaction and snapshot marks; elections and conflicts of larger groups add the rest.
 *
 * A follower whose log a snapshot of index N replaces appends `snapshot` N, `truncateSuffix` N + 1, `compaction` N and a `hardState` that
 * commits N, in this order and at once. Whatever of it a crash leaves is a log that its hard state agrees with: the snapshot alone
 * stands ahead of the old log, and the compaction mark ends that one and begins the new one behind N. Nothing before N is truncated:
 * a crash right behind that would leave a log that ends before what was committed.
 */
export type LogRecord =
  | {
      readonly kind: "entries";
      readonly group: number;
      readonly firstIndex: number;
      readonly term: number;
      readonly entries: readonly Uint8Array[];
    }
  | ({ readonly kind: "hardState"; readonly group: number } & HardState)
  /** Entries from `fromIndex` on are void: a new leader overwrote them. */
  | { readonly kind: "truncateSuffix"; readonly group: number; readonly fromIndex: number }
  /** Entries up to `index` (of `term`) are no longer needed. The log may end before it: then it goes on behind it. */
  | ({ readonly kind: "compaction"; readonly group: number } & LogPoint)
  /** A snapshot up to `index` is durable outside the log; `note` is its owner's. */
  | ({ readonly kind: "snapshot"; readonly group: number; readonly note: Uint8Array } & LogPoint)
  /** The group's membership as of its applied index; `bytes` are its owner's. */
  | ({ readonly kind: "configuration"; readonly group: number } & MembershipMark)
  /** The group lives here no more: all before this is void. Its id may be used again, as if it were new. */
  | { readonly kind: "removed"; readonly group: number }
  /** What the group lost with a damaged part of the log. Its owner says `repaired` once it stored what follows from that. */
  | ({ readonly kind: "damaged"; readonly group: number } & GroupDamage)
  | { readonly kind: "repaired"; readonly group: number }
  /** Stands in place of `bytes` bytes of frames that could not be read. */
  | { readonly kind: "lost"; readonly group: 0; readonly bytes: number }
  /** The groups that suffered from what was lost before this have their `damaged` marks. */
  | { readonly kind: "settled"; readonly group: 0 }
  /** Says nothing but that what lies before it is durable. */
  | { readonly kind: "durable"; readonly group: 0 };

export interface HardState {
  readonly term: number;
  /** 0: no vote in this term. */
  readonly vote: number;
  readonly commit: number;
  /** 0 until the node loses its disk, then a random name of what it is since. */
  readonly incarnation: number;
  /** The node lost its disk and waits for the group to take it back: it must neither vote nor acknowledge. */
  readonly isLost: boolean;
}

export interface MembershipMark {
  readonly index: number;
  readonly bytes: Uint8Array;
}

export interface GroupDamage {
  /** Entries up to it, but for compacted ones, are certainly as they were. Those behind it may have been replaced since. */
  readonly certainIndex: number;
  /** From this index on entries are known to be missing, and none are left; 0 where none is known to be. */
  readonly firstMissing: number;
  /** The entries are all there, and as they were. */
  readonly areEntriesWhole: boolean;
  /** A later vote, term or incarnation than the hard state's may have been forgotten. */
  readonly isHardStateStale: boolean;
  /** The marks of changes of the membership from this index on may have been forgotten; 0 where none can have been. */
  readonly firstChangeInDoubt: number;
}

export interface LogPoint {
  readonly index: number;
  readonly term: number;
}

const KINDS = [
  "entries",
  "hardState",
  "truncateSuffix",
  "compaction",
  "snapshot",
  "durable",
  "configuration",
  "removed",
  "damaged",
  "repaired",
  "lost",
  "settled",
] as const;

/** In a `damaged` mark. The first version knew only the first of them. */
const HARD_STATE_STALE = 1;
const ENTRIES_WHOLE = 2;
const MEMBERSHIP_IN_DOUBT = 4;

/** From 1 on; 0 never names a record, so zeroed space is no frame. */
export function kindNumber(record: LogRecord): number {
  return KINDS.indexOf(record.kind) + 1;
}

/** An upper bound of the payload's length. */
export function payloadBytesMax(record: LogRecord): number {
  if (record.kind === "entries") return record.entries.reduce((sum, entry) => sum + entry.length + 8, 24);
  if (record.kind === "snapshot") return record.note.length + 24;
  if (record.kind === "configuration") return record.bytes.length + 16;
  if (record.kind === "lost") return record.bytes;
  return 40;
}

export function encodePayload(record: LogRecord, writer: ByteWriter): void {
  switch (record.kind) {
    case "entries":
      writer.varint(record.firstIndex).varint(record.term).varint(record.entries.length);
      for (const entry of record.entries) writer.blob(entry);
      return;
    case "hardState":
      writer.varint(record.term).varint(record.vote).varint(record.commit);
      // Of a node that never lost its disk it is the record that the first version wrote.
      if (record.incarnation !== 0 || record.isLost) writer.varint(record.incarnation).u8(record.isLost ? 1 : 0);
      return;
    case "truncateSuffix":
      writer.varint(record.fromIndex);
      return;
    case "compaction":
      writer.varint(record.index).varint(record.term);
      return;
    case "snapshot":
      writer.varint(record.index).varint(record.term).blob(record.note);
      return;
    case "configuration":
      writer.varint(record.index).blob(record.bytes);
      return;
    case "damaged":
      writer.varint(record.certainIndex).varint(record.firstMissing).u8(damageFlags(record));
      if (record.firstChangeInDoubt > 0) writer.varint(record.firstChangeInDoubt);
      return;
    case "lost":
      writer.zeros(record.bytes);
      return;
    case "removed":
    case "repaired":
    case "settled":
    case "durable":
      return;
  }
}

/** Slices share the payload's memory. Undefined where a valid checksum covers bytes that are no record of this version. */
export function decodePayload(kind: number, group: number, payload: Uint8Array): LogRecord | undefined {
  const reader = new ByteReader(payload);
  try {
    const record = readRecord(kind, group, reader);
    return reader.remaining === 0 ? record : undefined;
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

function readRecord(kind: number, group: number, reader: ByteReader): LogRecord | undefined {
  switch (KINDS[kind - 1]) {
    case "entries": {
      const firstIndex = reader.varint();
      const term = reader.varint();
      const count = reader.varint();
      const entries: Uint8Array[] = [];
      for (let at = 0; at < count; at++) entries.push(reader.blob());
      return { kind: "entries", group, firstIndex, term, entries };
    }
    case "hardState":
      return { kind: "hardState", group, ...readHardState(reader) };
    case "truncateSuffix":
      return { kind: "truncateSuffix", group, fromIndex: reader.varint() };
    case "compaction":
      return { kind: "compaction", group, index: reader.varint(), term: reader.varint() };
    case "snapshot":
      return { kind: "snapshot", group, index: reader.varint(), term: reader.varint(), note: reader.blob() };
    case "configuration":
      return { kind: "configuration", group, index: reader.varint(), bytes: reader.blob() };
    case "removed":
      return { kind: "removed", group };
    case "damaged":
      return { kind: "damaged", group, ...readDamage(reader) };
    case "repaired":
      return { kind: "repaired", group };
    case "lost":
      return { kind: "lost", group: 0, bytes: reader.raw(reader.remaining).length };
    case "settled":
      return { kind: "settled", group: 0 };
    case "durable":
      return { kind: "durable", group: 0 };
    default:
      return undefined;
  }
}

function readHardState(reader: ByteReader): HardState {
  const state = { term: reader.varint(), vote: reader.varint(), commit: reader.varint() };
  if (reader.remaining === 0) return { ...state, incarnation: 0, isLost: false };
  return { ...state, incarnation: reader.varint(), isLost: readFlag(reader) };
}

function damageFlags({ isHardStateStale, areEntriesWhole, firstChangeInDoubt }: GroupDamage): number {
  const membership = firstChangeInDoubt > 0 ? MEMBERSHIP_IN_DOUBT : 0;
  return (isHardStateStale ? HARD_STATE_STALE : 0) | (areEntriesWhole ? ENTRIES_WHOLE : 0) | membership;
}

function readDamage(reader: ByteReader): GroupDamage {
  const [certainIndex, firstMissing, flags] = [reader.varint(), reader.varint(), reader.u8()];
  if (flags > (HARD_STATE_STALE | ENTRIES_WHOLE | MEMBERSHIP_IN_DOUBT)) throw new MalformedBytes("an unknown flag");
  const isHardStateStale = (flags & HARD_STATE_STALE) !== 0;
  const areEntriesWhole = (flags & ENTRIES_WHOLE) !== 0;
  const firstChangeInDoubt = (flags & MEMBERSHIP_IN_DOUBT) === 0 ? 0 : reader.varint();
  return { certainIndex, firstMissing, areEntriesWhole, isHardStateStale, firstChangeInDoubt };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw new MalformedBytes("a flag is 0 or 1");
  return flag === 1;
}
