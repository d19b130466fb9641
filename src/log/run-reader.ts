import type { Disk } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { logFailure } from "./errors.ts";
import { FRAME_HEADER_BYTES, frameBytes, validFrameAt } from "./frame.ts";
import type { GroupIndex, Run } from "./group-index.ts";
import { decodePayload } from "./record.ts";
import { offsetOf, type Segment, segmentName } from "./segment.ts";

/** Two runs with no more than this between them are read at once. */
const GAP_BYTES_MAX = 16 * 1024;

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
      for (const entry of await this.#runs(this.#adjacent(index, at, to, bytesMax - bytes))) {
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
    return this.#runs([run]);
  }

  /** Resolves once all that is being read now has been read, or could not be. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#reading);
  }

  /**
   * The run that holds entry `from`, and those behind it that stand near enough in its segment to be read with it: between two
   * appends of a group there is often no more than its hard state.
   */
  #adjacent(index: GroupIndex, from: number, to: number, bytesMax: number): readonly Run[] {
    const first = index.find(from);
    assert(first !== undefined, "entries are read from what the log holds");
    const runs = [first];
    const segment = this.#segmentOf(first);
    for (let last = first; last.lastIndex < to; ) {
      const next = index.find(last.lastIndex + 1);
      if (next === undefined || this.#segmentOf(next) !== segment) break;
      const gap = next.position - last.position - last.bytes;
      if (gap < 0 || gap > GAP_BYTES_MAX || next.position + next.bytes - first.position > bytesMax) break;
      runs.push(next);
      last = next;
    }
    return runs;
  }

  /** Of one segment, in the order of their positions. */
  #runs(runs: readonly Run[]): Promise<StoredEntry[]> {
    const reading = this.#read(runs).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
    return reading;
  }

  async #read(runs: readonly Run[]): Promise<StoredEntry[]> {
    const { position } = runs[0]!;
    const last = runs.at(-1)!;
    const segment = this.#segmentOf(runs[0]!);
    const file = await this.#disk.open(segmentName(this.#folder, segment.id), "read");
    try {
      const bytes = await file.read(offsetOf(segment, position), last.position + last.bytes - position);
      return runs.flatMap((run) => {
        const start = run.position - position;
        return decodeRun(run, bytes.subarray(start, start + run.bytes), segment);
      });
    } finally {
      await file.close();
    }
  }

  #segmentOf({ position }: Run): Segment {
    const segment = this.#segments.findLast((candidate) => candidate.base <= position);
    assert(segment !== undefined, "a run's segment is kept while the run is needed");
    return segment;
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
