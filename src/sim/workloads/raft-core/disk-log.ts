import {
  decodeConfiguration,
  decodeEntry,
  decodeHardState,
  type Entry,
  encodeConfiguration,
  encodeEntry,
  encodeHardState,
  type HardState,
  MemoryStorage,
  type Snapshot,
} from "../../../core/raft/index.ts";
import type { Disk, DiskFile } from "../../../env/index.ts";
import { assert } from "../../../std/assert.ts";
import { crc32c } from "../../../std/checksums/checksums.ts";
import { ByteReader, MalformedBytes } from "../../../std/reader.ts";
import { ByteWriter } from "../../../std/writer.ts";

/** What is to be made durable together. */
export interface LogWork {
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
}

const FOLDER = "log";
const HEADER_BYTES = 8;

const RecordKind = { hardState: 1, snapshot: 2, entry: 3 } as const;

/**
 * A plain write-ahead log: one file to which records are appended, each synced with all that wait beside it. When it has
 * grown, or a process starts on it, what is still needed goes into a new file, which takes its place by its number:
 *
 *     log/1, log/2, ...: the highest is complete, as it got its name after it was synced
 *     record  | length u32 | crc32c u32 | kind u8 | bytes |
 *
 * The first record that does not fit its checksum is the end: nothing behind it was ever acknowledged.
 */
export class DiskLog {
  readonly storage: MemoryStorage = new MemoryStorage();
  readonly #disk: Disk;
  readonly #fileBytesMax: number;
  readonly #writer = new ByteWriter(4_096);
  #file: DiskFile | undefined;
  #number = 0;
  #position = 0;
  /** Where the file is long enough, and twice as long as it was when it was new. */
  #rewriteAt = 0;
  #putOff: HardState | undefined;
  /** Nothing was here when it was opened. */
  isNew = true;

  constructor(disk: Disk, fileBytesMax: number) {
    this.#disk = disk;
    this.#fileBytesMax = fileBytesMax;
  }

  /** With what a new one begins with, as the first snapshot of a group's founders. */
  async open(first: Snapshot | undefined): Promise<void> {
    await this.#disk.makeDirectory(FOLDER);
    const numbers = (await this.#disk.list(FOLDER)).map(Number).filter((number) => number > 0);
    this.#number = Math.max(0, ...numbers);
    if (this.#number > 0) {
      this.isNew = false;
      await this.#read(`${FOLDER}/${this.#number}`);
    } else if (first !== undefined) {
      this.storage.applySnapshot(first);
    }
    await this.rewrite();
    for (const number of numbers) if (number !== this.#number) await this.#removeIfThere(`${FOLDER}/${number}`);
  }

  /**
   * A hard state that needs no sync of its own goes to disk before whatever comes after it: entries are sent together
   * with the knowledge that what is before them is committed, and a node must not forget the one and keep the other.
   */
  putOff(hardState: HardState): void {
    this.#putOff = hardState;
  }

  /** In the order of calls, one at a time. Resolves once all of it is on disk. */
  async append(works: readonly LogWork[]): Promise<void> {
    const writer = this.#writer.reset();
    const putOff = this.#putOff;
    this.#putOff = undefined;
    if (putOff !== undefined) writeRecord(writer, RecordKind.hardState, encodeHardState(putOff));
    for (const { hardState, snapshot, entries } of works) {
      if (snapshot !== undefined) writeRecord(writer, RecordKind.snapshot, encodeSnapshot(snapshot));
      for (const entry of entries) writeRecord(writer, RecordKind.entry, encodeEntry(entry));
      // Behind the entries: it may say that they are committed, and the record may be torn between them.
      if (hardState !== undefined) writeRecord(writer, RecordKind.hardState, encodeHardState(hardState));
    }
    const bytes = writer.finish();
    assert(this.#file !== undefined, "a log is opened before it is written");
    if (bytes.length > 0) {
      await this.#file.write(this.#position, [bytes]);
      this.#position += bytes.length;
      await this.#file.sync();
    }
    if (putOff !== undefined) this.storage.setHardState(putOff);
    for (const work of works) this.#take(work);
    if (this.#position > this.#rewriteAt) await this.rewrite();
  }

  /** Moves to a new file that has the newest snapshot and what follows the log's beginning. */
  async rewrite(): Promise<void> {
    const { storage } = this;
    const writer = this.#writer.reset();
    if (storage.hardState !== undefined) writeRecord(writer, RecordKind.hardState, encodeHardState(storage.hardState));
    const start = storage.firstIndex - 1;
    const snapshot = storage.snapshot()!;
    if (snapshot.index > 0) writeRecord(writer, RecordKind.snapshot, encodeSnapshot(snapshot));
    const entries =
      start === storage.lastIndex ? [] : storage.entries(start + 1, storage.lastIndex + 1, Number.MAX_SAFE_INTEGER);
    assert(typeof entries !== "string", "the whole log is at hand");
    // What the snapshot covers already is not needed on disk; in memory followers may still want it.
    for (const entry of entries) {
      if (entry.index > snapshot.index) writeRecord(writer, RecordKind.entry, encodeEntry(entry));
    }
    const bytes = writer.finish();
    const last = this.#number;
    const name = `${FOLDER}/${last + 1}`;
    await this.#removeIfThere(`${name}.new`);
    const file = await this.#disk.open(`${name}.new`, "create");
    await file.write(0, [bytes]);
    await file.sync();
    await this.#disk.rename(`${name}.new`, name);
    await this.#disk.syncDirectory(FOLDER);
    await this.#file?.close();
    this.#file = file;
    this.#number = last + 1;
    this.#position = bytes.length;
    this.#rewriteAt = Math.max(this.#fileBytesMax, bytes.length * 2);
    if (last > 0) await this.#removeIfThere(`${FOLDER}/${last}`);
  }

  async #read(name: string): Promise<void> {
    const file = await this.#disk.open(name, "read");
    const bytes = await file.read(0, await file.length());
    await file.close();
    for (const { kind, body } of recordsOf(bytes)) {
      if (kind === RecordKind.hardState) this.storage.setHardState(decodeHardState(body));
      else if (kind === RecordKind.snapshot)
        this.#take({ hardState: undefined, snapshot: decodeSnapshot(body), entries: [] });
      else this.storage.append([decodeEntry(body)]);
    }
  }

  #take({ hardState, snapshot, entries }: LogWork): void {
    if (hardState !== undefined) this.storage.setHardState(hardState);
    if (snapshot !== undefined && snapshot.index > this.storage.snapshot()!.index) this.storage.applySnapshot(snapshot);
    this.storage.append(entries);
  }

  async #removeIfThere(name: string): Promise<void> {
    const found = await this.#disk.list(FOLDER);
    if (found.includes(name.slice(FOLDER.length + 1))) await this.#disk.remove(name);
  }
}

function writeRecord(writer: ByteWriter, kind: number, body: Uint8Array): void {
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = kind;
  bytes.set(body, 1);
  writer.u32(bytes.length).u32(crc32c(bytes)).raw(bytes);
}

function* recordsOf(bytes: Uint8Array): Generator<{ readonly kind: number; readonly body: Uint8Array }, void, void> {
  const reader = new ByteReader(bytes);
  while (reader.remaining >= HEADER_BYTES) {
    const length = reader.u32();
    const crc = reader.u32();
    if (length === 0 || length > reader.remaining) return;
    const record = reader.raw(length);
    if (crc32c(record) !== crc) return;
    yield { kind: record[0]!, body: record.slice(1) };
  }
}

function encodeSnapshot({ index, term, configuration, data }: Snapshot): Uint8Array {
  return new ByteWriter(256).varint(index).varint(term).blob(encodeConfiguration(configuration)).blob(data).finish();
}

function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new ByteReader(bytes);
  const index = reader.varint();
  const term = reader.varint();
  const configuration = decodeConfiguration(reader.blob());
  const data = reader.blob();
  if (reader.remaining > 0) throw new MalformedBytes("bytes are left over");
  return { index, term, configuration, data };
}
