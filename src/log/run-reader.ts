import type { Disk } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { logFailure } from "./errors.ts";
import { FRAME_HEADER_BYTES, frameBytes, validFrameAt } from "./frame.ts";
import type { GroupIndex, Run } from "./group-index.ts";
import { decodePayload } from "./record.ts";
import { offsetOf, type Segment, segmentName } from "./segment.ts";

export interface StoredEntry {
  readonly index: number;
  readonly term: number;
  readonly bytes: Uint8Array;
}

/** Reads entries back from the segments, and knows what is being read: a segment goes only when nobody reads it. */
export class RunReader {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #segments: readonly Segment[];
  readonly #reading = new Set<Promise<unknown>>();

  constructor(disk: Disk, folder: string, segments: readonly Segment[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#segments = segments;
  }

  /** Entries `from` to `to` (inclusive), at least one, then until `bytesMax`. */
  async entries(index: GroupIndex, from: number, to: number, bytesMax: number): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = [];
    let bytes = 0;
    for (let at = from; at <= to && (bytes < bytesMax || entries.length === 0); ) {
      const run = index.find(at);
      assert(run !== undefined, "entries are read from what the log holds");
      for (const entry of await this.run(run)) {
        if (entry.index < at || entry.index > to) continue;
        if (bytes >= bytesMax && entries.length > 0) break;
        entries.push(entry);
        bytes += entry.bytes.length;
        at = entry.index + 1;
      }
    }
    return entries;
  }

  /** The entries of a run that a group has now. */
  run(run: Run): Promise<StoredEntry[]> {
    const reading = this.#read(run).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
    return reading;
  }

  /** Resolves once all that is being read now has been read, or could not be. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#reading);
  }

  async #read(run: Run): Promise<StoredEntry[]> {
    const segment = this.#segments.findLast((candidate) => candidate.base <= run.position);
    assert(segment !== undefined, "a run's segment is kept while the run is needed");
    const file = await this.#disk.open(segmentName(this.#folder, segment.id), "read");
    try {
      const bytes = await file.read(offsetOf(segment, run.position), run.bytes);
      return decodeRun(run, bytes, segment);
    } finally {
      await file.close();
    }
  }
}

/** The frames may hold more than the run: entries that were truncated, or that stand elsewhere by now. */
function decodeRun(run: Run, bytes: Uint8Array, segment: Segment): StoredEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: StoredEntry[] = [];
  for (let at = 0; at < run.bytes; ) {
    const frame = validFrameAt(bytes, view, at, segment.salt);
    const payloadAt = at + FRAME_HEADER_BYTES;
    const payload = bytes.subarray(payloadAt, payloadAt + (frame?.payloadBytes ?? 0));
    const record = frame && decodePayload(frame.kind, frame.group, payload);
    if (record?.kind !== "entries") throw unreadable(segment, run.position + at);
    let index = record.firstIndex;
    for (const entry of record.entries) {
      if (index >= run.firstIndex && index <= run.lastIndex) entries.push({ index, term: record.term, bytes: entry });
      index++;
    }
    at += frameBytes(payload.length);
  }
  return entries;
}

function unreadable(segment: Segment, position: number): Error {
  const data = { segment: segment.id, position };
  return logFailure("LOG_DAMAGED", { what: `The log can not be read at position ${position}.`, data });
}
