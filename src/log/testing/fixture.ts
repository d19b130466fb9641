import assert from "node:assert/strict";
import type { Disk, DiskFile, Random } from "../../env/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { inspectLog, Log, type LogBug, type LogOptions, type LogRecord, type SegmentReport } from "../index.ts";
import { SEGMENT_HEADER_BYTES, segmentName } from "../segment.ts";

export const OPTIONS: Partial<LogOptions> = { segmentBytes: 64 * 1024 };

export const random = (seed = 1): Random => {
  const prng = new Prng(seed);
  return { bytes: (length) => prng.bytes(length), u32: () => prng.u32() };
};

export const openLog = (
  disk: Disk,
  options: Partial<LogOptions> = OPTIONS,
  onFatal: (error: Error) => void = () => {},
  onDamage: "refuse" | "set-aside" = "refuse",
  bugs: readonly LogBug[] = [],
): Promise<Log> => Log.open({ disk, random: random() }, { options, onFatal, onDamage, bugs: new Set(bugs) });

export const append = (log: Log, ...records: LogRecord[]): Promise<void> =>
  new Promise((resolve, reject) => log.append(records, (error) => (error === undefined ? resolve() : reject(error))));

export const entries = (firstIndex: number, count: number, bytes = 100, group = 1): LogRecord => ({
  kind: "entries",
  group,
  firstIndex,
  term: 1,
  entries: Array.from({ length: count }, (_, at) => utf8(`${firstIndex + at}`.padEnd(bytes, "."))),
});

export const indexesOf = async (log: Log, group = 1): Promise<number[]> => {
  const { firstIndex, lastIndex } = log.group(group);
  const read = await log.readEntries(group, firstIndex, lastIndex, Number.MAX_SAFE_INTEGER);
  for (const entry of read)
    assert.equal(new TextDecoder().decode(entry.bytes).replaceAll(".", ""), String(entry.index));
  return read.map((entry) => entry.index);
};

export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** The bytes of a file, changed by `change`, written back. */
export const tamper = async (disk: Disk, name: string, change: (bytes: Uint8Array) => void): Promise<void> => {
  const file = await disk.open(name, "write");
  const bytes = await file.read(0, await file.length());
  change(bytes);
  await file.write(0, [bytes]);
  await file.close();
};

/** A disk of which some calls do something else. */
export const disturbed = (disk: Disk, calls: Partial<Disk>): Disk => ({
  open: (name, mode) => disk.open(name, mode),
  list: (folder) => disk.list(folder),
  makeDirectory: (folder) => disk.makeDirectory(folder),
  rename: (from, to) => disk.rename(from, to),
  remove: (name) => disk.remove(name),
  syncDirectory: (folder) => disk.syncDirectory(folder),
  space: () => disk.space(),
  lock: () => disk.lock(),
  ...calls,
});

/** Leaves of the last segment its first `frames` frames (or all but as many), as if no more had been written. */
export const cutAfter = async (disk: Disk, frames: number): Promise<void> => {
  const reports: SegmentReport[] = [];
  for await (const report of inspectLog(disk)) if (report.frames.length > 0) reports.push(report);
  const { segment, frames: seen } = reports.at(-1)!;
  const last = seen.at(frames - 1)!;
  const end = last.position + last.bytes - segment.base + SEGMENT_HEADER_BYTES;
  await tamper(disk, segmentName("log", segment.id), (bytes) => bytes.fill(0, end));
};

/** A file of which some calls do something else. */
export const disturbedFile = (file: DiskFile, calls: Partial<DiskFile>): DiskFile => ({
  name: file.name,
  read: (position, length, memory) => file.read(position, length, memory),
  write: (position, chunks) => file.write(position, chunks),
  sync: () => file.sync(),
  length: () => file.length(),
  setLength: (length) => file.setLength(length),
  close: () => file.close(),
  ...calls,
});
