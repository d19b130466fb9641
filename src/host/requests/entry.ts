import { type Entry as CoreEntry, EntryType } from "../../core/raft/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";
import type { Entry } from "../state-machine.ts";

// The bytes of an entry, the same in the log, on the wire and in memory:
//
//   nothing at all: what a leader appends when its term begins
//   kind u8 | body
//     commands   count, then each command behind its length          (groups of one, before there were larger ones)
//     batch      life, sequence, count, then each command behind its length
//     single, joint   a change of membership as the core encodes it; only in the log, elsewhere the core's type says it
//     metadata   nothing: a witness keeps no commands
//
// (life, sequence) name a batch: `life` is drawn by its node at each start, so that whoever proposed it knows it again
// when it is applied, through whichever leader it went.

const COMMANDS = 1;
const BATCH = 2;
const SINGLE_CHANGE = 3;
const JOINT_CHANGE = 4;
const METADATA = 5;
const VARINT_BYTES_MAX = 8;
const HEAD_BYTES_MAX = 1 + 3 * VARINT_BYTES_MAX;

export interface BatchName {
  readonly life: number;
  readonly sequence: number;
}

/** An entry as a machine is fed with it, and whose batch it is; 0 and 0 where nobody waits for it. */
export interface DecodedEntry extends Entry, BatchName {}

/** Encoded once: the same bytes go to the log and to the peers. */
export function encodeBatch({ life, sequence }: BatchName, commands: readonly Uint8Array[]): Uint8Array {
  let bytes = HEAD_BYTES_MAX;
  for (const command of commands) bytes += command.length + VARINT_BYTES_MAX;
  const writer = new ByteWriter(bytes).u8(BATCH).varint(life).varint(sequence).varint(commands.length);
  for (const command of commands) writer.blob(command);
  return writer.end();
}

/** Throws ENTRY_MALFORMED. Commands share the entry's memory. */
export function decodeBatch({ index, term, type, data }: CoreEntry): DecodedEntry {
  if (type !== EntryType.normal || data.length === 0) return { index, term, commands: [], life: 0, sequence: 0 };
  const reader = new ByteReader(data);
  try {
    const kind = reader.u8();
    if (kind !== COMMANDS && kind !== BATCH) throw hostFailure("ENTRY_MALFORMED", { data: { index, kind } });
    const life = kind === BATCH ? reader.varint() : 0;
    const sequence = kind === BATCH ? reader.varint() : 0;
    const commands: Uint8Array[] = [];
    for (let left = reader.varint(); left > 0; left--) commands.push(reader.blob());
    return { index, term, commands, life, sequence };
  } catch (cause) {
    if (cause instanceof MalformedBytes) throw hostFailure("ENTRY_MALFORMED", { data: { index }, cause });
    throw cause;
  }
}

/** Undefined where the entry is no batch that somebody waits for. */
export function batchNameOf({ type, data }: CoreEntry): BatchName | undefined {
  if (type !== EntryType.normal || data[0] !== BATCH) return undefined;
  const reader = new ByteReader(data, 1);
  try {
    return { life: reader.varint(), sequence: reader.varint() };
  } catch (cause) {
    if (cause instanceof MalformedBytes) return undefined;
    throw cause;
  }
}

/** As it stands in the log, which keeps bytes without a type. */
export function toStored({ type, data }: CoreEntry): Uint8Array {
  switch (type) {
    case EntryType.normal:
      return data;
    case EntryType.confChange:
      return behind(SINGLE_CHANGE, data);
    case EntryType.confChangeV2:
      return behind(JOINT_CHANGE, data);
    case EntryType.metadata:
      return behind(METADATA, EMPTY);
  }
}

export function fromStored(index: number, term: number, bytes: Uint8Array): CoreEntry {
  switch (bytes[0]) {
    case SINGLE_CHANGE:
      return { index, term, type: EntryType.confChange, data: bytes.subarray(1) };
    case JOINT_CHANGE:
      return { index, term, type: EntryType.confChangeV2, data: bytes.subarray(1) };
    case METADATA:
      return { index, term, type: EntryType.metadata, data: EMPTY };
    default:
      return { index, term, type: EntryType.normal, data: bytes };
  }
}

function behind(kind: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + data.length);
  bytes[0] = kind;
  bytes.set(data, 1);
  return bytes;
}
