import { ByteReader, MalformedBytes } from "../std/reader.ts";
import type { ByteWriter } from "../std/writer.ts";

/**
 * What the log keeps for its groups. The kinds cover Raft from the first version on: a group of one writes entries of term 1,
 * compaction and snapshot marks; elections and conflicts of larger groups add hard states and truncations.
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
  /** Entries up to `index` (of `term`) are no longer needed. */
  | ({ readonly kind: "compaction"; readonly group: number } & LogPoint)
  /** A snapshot up to `index` is durable outside the log; `note` is its owner's. */
  | ({ readonly kind: "snapshot"; readonly group: number; readonly note: Uint8Array } & LogPoint)
  /** Says nothing but that what lies before it is durable. */
  | { readonly kind: "durable"; readonly group: 0 };

export interface HardState {
  readonly term: number;
  /** 0: no vote in this term. */
  readonly vote: number;
  readonly commit: number;
}

export interface LogPoint {
  readonly index: number;
  readonly term: number;
}

const KINDS = ["entries", "hardState", "truncateSuffix", "compaction", "snapshot", "durable"] as const;

/** 1 to 6; 0 never names a record, so zeroed space is no frame. */
export function kindNumber(record: LogRecord): number {
  return KINDS.indexOf(record.kind) + 1;
}

/** An upper bound of the payload's length. */
export function payloadBytesMax(record: LogRecord): number {
  if (record.kind === "entries") return record.entries.reduce((sum, entry) => sum + entry.length + 8, 24);
  if (record.kind === "snapshot") return record.note.length + 24;
  return 24;
}

export function encodePayload(record: LogRecord, writer: ByteWriter): void {
  switch (record.kind) {
    case "entries":
      writer.varint(record.firstIndex).varint(record.term).varint(record.entries.length);
      for (const entry of record.entries) writer.blob(entry);
      return;
    case "hardState":
      writer.varint(record.term).varint(record.vote).varint(record.commit);
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
      return { kind: "hardState", group, term: reader.varint(), vote: reader.varint(), commit: reader.varint() };
    case "truncateSuffix":
      return { kind: "truncateSuffix", group, fromIndex: reader.varint() };
    case "compaction":
      return { kind: "compaction", group, index: reader.varint(), term: reader.varint() };
    case "snapshot":
      return { kind: "snapshot", group, index: reader.varint(), term: reader.varint(), note: reader.blob() };
    case "durable":
      return { kind: "durable", group: 0 };
    default:
      return undefined;
  }
}
