// What nodes tell each other about the rows of a group, in the bodies of calls. Addresses travel encoded, as they stand
// in the Index. Whoever reads what another node has sent throws MalformedBytes on what no version writes.

import { fromHex, toHex } from "../../std/bytes.ts";
import { type ByteReader, MalformedBytes } from "../../std/reader.ts";
import type { ByteWriter } from "../../std/writer.ts";
import { decodeAddress, encodeAddress } from "../key-codec.ts";
import type { ExportPage, PageLimits, WrittenPage } from "../machine/export-pages.ts";
import { decodeMovedRow, encodeMovedRow } from "../machine/range-commands.ts";
import type { Decision } from "../machine/result.ts";
import type { CommandResult } from "../machine.ts";
import type {
  Change,
  ReadLevel,
  Row,
  RowAddress,
  RowKey,
  ScanOptions,
  ScanPage,
  ScanRange,
  WatchEvent,
} from "../store.ts";

export function writeLevel(writer: ByteWriter, level: ReadLevel = "linearizable"): ByteWriter {
  if (level === "linearizable") return writer.u8(0);
  if (level === "stale") return writer.u8(1);
  return writer.u8(2).string(level.atLeast);
}

export function readLevel(reader: ByteReader): ReadLevel {
  const kind = reader.u8();
  if (kind > 2) throw new MalformedBytes("a read has an unknown level");
  if (kind === 2) return { atLeast: reader.string() };
  return kind === 0 ? "linearizable" : "stale";
}

/** Throws TOO_LARGE or REQUEST_INVALID. */
export function writeAddress(writer: ByteWriter, address: RowAddress): ByteWriter {
  return writer.blob(encodeAddress(address));
}

export function readAddress(reader: ByteReader): Required<RowAddress> {
  return decodeAddress(reader.blob());
}

export function writeRow(writer: ByteWriter, row: Row | undefined): ByteWriter {
  if (row === undefined) return writer.u8(0);
  writeAddress(writer.u8(1), row);
  return writer
    .varint(row.revision)
    .varint(row.lease ?? 0)
    .blob(row.value);
}

export function readRow(reader: ByteReader): Row | undefined {
  if (reader.u8() === 0) return undefined;
  const address = readAddress(reader);
  const [revision, lease] = [reader.varint(), reader.varint()];
  const row = { ...address, value: reader.blob(), revision };
  return lease === 0 ? row : { ...row, lease };
}

export function writeRange(writer: ByteWriter, { from, after, to }: ScanRange): ByteWriter {
  for (const bound of [from, after, to]) {
    if (bound === undefined) writer.u8(0);
    else {
      writer
        .u8(1)
        .blob(bound.key)
        .blob(bound.suffix ?? new Uint8Array(0));
    }
  }
  return writer;
}

export function readRange(reader: ByteReader): ScanRange {
  const bound = (): RowKey | undefined => {
    return reader.u8() === 0 ? undefined : { key: reader.blob(), suffix: reader.blob() };
  };
  const [from, after, to] = [bound(), bound(), bound()];
  return { ...(from && { from }), ...(after && { after }), ...(to && { to }) };
}

export function writeScanOptions(writer: ByteWriter, { limit, reverse = false, level }: ScanOptions): ByteWriter {
  return writeLevel(writer.varint(limit).u8(reverse ? 1 : 0), level);
}

export function readScanOptions(reader: ByteReader): ScanOptions {
  return { limit: reader.varint(), reverse: reader.u8() === 1, level: readLevel(reader) };
}

export function writeScanPage(writer: ByteWriter, { rows, more, position }: ScanPage): ByteWriter {
  writer
    .string(position)
    .u8(more ? 1 : 0)
    .varint(rows.length);
  for (const row of rows) writeRow(writer, row);
  return writer;
}

export function readScanPage(reader: ByteReader): ScanPage {
  const [position, more] = [reader.string(), reader.u8() === 1];
  return { rows: readList(reader, () => presentRow(reader)), more, position };
}

export function writeEvent(writer: ByteWriter, { position, changes }: WatchEvent): ByteWriter {
  writer.string(position).varint(changes.length);
  for (const change of changes) {
    writeAddress(writer, change).varint(change.revision);
    if (change.value === undefined) writer.u8(0);
    else writer.u8(1).blob(change.value);
  }
  return writer;
}

export function readEvent(reader: ByteReader): WatchEvent {
  const position = reader.string();
  const changes = readList(reader, (): Change => {
    const [address, revision] = [readAddress(reader), reader.varint()];
    return { ...address, revision, value: reader.u8() === 0 ? undefined : reader.blob() };
  });
  return { position, changes };
}

export function writeLimits(writer: ByteWriter, { rowsMax, bytesMax }: PageLimits): ByteWriter {
  return writer.varint(rowsMax).varint(bytesMax);
}

export function readLimits(reader: ByteReader): PageLimits {
  return { rowsMax: reader.varint(), bytesMax: reader.varint() };
}

export function writeExportPage(writer: ByteWriter, { rows, next }: ExportPage): ByteWriter {
  writer.varint(rows.length);
  for (const row of rows) encodeMovedRow(writer, row);
  return next === undefined ? writer.u8(0) : writer.u8(1).blob(next);
}

export function readExportPage(reader: ByteReader): ExportPage {
  const rows = readList(reader, () => decodeMovedRow(reader));
  return { rows, next: reader.u8() === 0 ? undefined : reader.blob() };
}

export function writeWrittenPage(writer: ByteWriter, { rows, written, more }: WrittenPage): ByteWriter {
  writer.varint(rows.length);
  for (const row of rows) encodeMovedRow(writer, row);
  writer.varint(written.length);
  for (const { key, entry } of written) writer.blob(key).varint(entry);
  return writer.u8(more ? 1 : 0);
}

export function readWrittenPage(reader: ByteReader): WrittenPage {
  const rows = readList(reader, () => decodeMovedRow(reader));
  const written = readList(reader, () => ({ key: reader.blob(), entry: reader.varint() }));
  return { rows, written, more: reader.u8() === 1 };
}

/** Results are small and of many kinds: as JSON, with bytes as hexadecimal digits under a name of their own. */
export function writeResult(writer: ByteWriter, result: CommandResult): ByteWriter {
  return writer.string(
    JSON.stringify(result, function (this: Readonly<Record<string, unknown>>, key, value) {
      const bytes = this[key];
      return bytes instanceof Uint8Array ? { [HEX]: toHex(bytes) } : value;
    }),
  );
}

export function readResult(reader: ByteReader): CommandResult {
  return JSON.parse(reader.string(), (_, value) => {
    const digits = (value as { readonly [HEX]?: string } | null)?.[HEX];
    return digits === undefined ? value : fromHex(digits);
  }) as CommandResult;
}

export function writeDecision(writer: ByteWriter, decision: Decision | undefined): ByteWriter {
  if (decision === undefined) return writer.u8(0);
  return decision.committed ? writer.u8(2).varint(decision.revision) : writer.u8(1);
}

export function readDecision(reader: ByteReader): Decision | undefined {
  const kind = reader.u8();
  if (kind > 2) throw new MalformedBytes("a decision is for a commit or an abort");
  if (kind === 2) return { committed: true, revision: reader.varint() };
  return kind === 0 ? undefined : { committed: false };
}

export function readList<T>(reader: ByteReader, item: () => T): T[] {
  const count = reader.varint();
  if (count > reader.remaining) throw new MalformedBytes("a list is longer than what holds it");
  return Array.from({ length: count }, item);
}

const HEX = "hex";

function presentRow(reader: ByteReader): Row {
  const row = readRow(reader);
  if (row === undefined) throw new MalformedBytes("a page holds rows that are there");
  return row;
}
