// The steps of a transfer of keys from one group to another, as commands of either. Each names the transfer and the
// attempt of who drives it, and may come twice or late.
//
//   import-begin   the target notes the interval; what an earlier attempt brought is to be cleared
//   import-clear   deletes a bounded number of rows of the interval; repeated while there is more
//   import-rows    rows with the revisions that they have, in numbered pieces
//   import-finish  the target serves the interval, and its revision is at least the source's
//   import-end     of one that is finished: it is forgotten; of another one: given up, step by step as by import-clear
//   export-begin   the source notes which rows of the interval are written from now on; it thaws for a new attempt
//   export-clean   of what was written, this has been brought over, as of the entry that wrote it
//   export-freeze  nobody reads or writes the interval
//   export-end     moved: the interval is another's, and its rows go, step by step; else it stays, and is forgotten

import { unreachable } from "../../std/assert.ts";
import { type ByteReader, MalformedBytes } from "../../std/reader.ts";
import type { ByteWriter } from "../../std/writer.ts";

interface Step<Kind extends string> {
  readonly kind: Kind;
  readonly transfer: number;
  readonly attempt: number;
}

export type RangeCommand =
  | ImportBegin
  | ImportRows
  | ImportFinish
  | ImportEnd
  | ExportBegin
  | ExportClean
  | ExportEnd
  | Step<"import-clear">
  | Step<"export-freeze">;

export interface ImportBegin extends Step<"import-begin"> {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly source: number;
}

export interface ImportRows extends Step<"import-rows"> {
  readonly piece: number;
  readonly rows: readonly MovedRow[];
}

/** As it stands in the Index of the source; without a value it is gone there. */
export interface MovedRow {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly lease: number;
  readonly value: Uint8Array | undefined;
}

export interface ImportFinish extends Step<"import-finish"> {
  /** The number behind the last piece. */
  readonly pieces: number;
  /** Of the source, frozen. */
  readonly revision: number;
}

export interface ImportEnd extends Step<"import-end"> {
  readonly isFinished: boolean;
}

export interface ExportBegin extends Step<"export-begin"> {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly target: number;
}

export interface ExportClean extends Step<"export-clean"> {
  readonly rows: readonly WrittenRow[];
}

/** A row that was written while its key is on its way, and the entry that wrote it last. */
export interface WrittenRow {
  readonly key: Uint8Array;
  readonly entry: number;
}

export interface ExportEnd extends Step<"export-end"> {
  readonly isMoved: boolean;
}

/** Their places are the numbers in the log: never reorder. */
const KINDS = [
  ...(["import-begin", "import-clear", "import-rows", "import-finish", "import-end"] as const),
  ...(["export-begin", "export-clean", "export-freeze", "export-end"] as const),
];

/** Rows that one command carries. */
export const MOVED_ROWS_MAX = 1024;

export function encodeRangeCommand(writer: ByteWriter, command: RangeCommand): ByteWriter {
  writer.u8(KINDS.indexOf(command.kind)).varint(command.transfer).varint(command.attempt);
  switch (command.kind) {
    case "import-begin":
      return writer.blob(command.from).blob(command.to).varint(command.source);
    case "export-begin":
      return writer.blob(command.from).blob(command.to).varint(command.target);
    case "import-rows":
      writer.varint(command.piece).varint(command.rows.length);
      for (const row of command.rows) encodeMovedRow(writer, row);
      return writer;
    case "import-finish":
      return writer.varint(command.pieces).varint(command.revision);
    case "import-end":
      return writer.u8(command.isFinished ? 1 : 0);
    case "export-end":
      return writer.u8(command.isMoved ? 1 : 0);
    case "export-clean":
      writer.varint(command.rows.length);
      for (const { key, entry } of command.rows) writer.blob(key).varint(entry);
      return writer;
    case "import-clear":
    case "export-freeze":
      return writer;
    default:
      return unreachable(command);
  }
}

/** Throws MalformedBytes on what no version has written. */
export function decodeRangeCommand(reader: ByteReader): RangeCommand {
  const kind = KINDS[reader.u8()];
  const step = { transfer: reader.varint(), attempt: reader.varint() };
  switch (kind) {
    case "import-begin":
      return { kind, ...step, from: reader.blob(), to: reader.blob(), source: reader.varint() };
    case "export-begin":
      return { kind, ...step, from: reader.blob(), to: reader.blob(), target: reader.varint() };
    case "import-rows":
      return { kind, ...step, piece: reader.varint(), rows: rowsOf(reader, () => decodeMovedRow(reader)) };
    case "import-finish":
      return { kind, ...step, pieces: reader.varint(), revision: reader.varint() };
    case "import-end":
      return { kind, ...step, isFinished: reader.u8() === 1 };
    case "export-end":
      return { kind, ...step, isMoved: reader.u8() === 1 };
    case "export-clean":
      return { kind, ...step, rows: rowsOf(reader, () => ({ key: reader.blob(), entry: reader.varint() })) };
    case "import-clear":
    case "export-freeze":
      return { kind, ...step };
    case undefined:
      throw new MalformedBytes("a step of a transfer has an unknown kind");
    default:
      return unreachable(kind);
  }
}

export function encodeMovedRow(writer: ByteWriter, { key, revision, lease, value }: MovedRow): void {
  writer.blob(key).varint(revision).varint(lease);
  if (value === undefined) writer.u8(0);
  else writer.u8(1).blob(value);
}

export function decodeMovedRow(reader: ByteReader): MovedRow {
  const row = { key: reader.blob(), revision: reader.varint(), lease: reader.varint() };
  return { ...row, value: reader.u8() === 0 ? undefined : reader.blob() };
}

function rowsOf<T>(reader: ByteReader, row: () => T): T[] {
  const count = reader.varint();
  if (count > MOVED_ROWS_MAX) throw new MalformedBytes("a step of a transfer holds more rows than any version writes");
  return Array.from({ length: count }, row);
}
