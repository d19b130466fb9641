import { assert } from "../../std/assert.ts";
import { concatBytes } from "../../std/bytes.ts";
import { type RingMemory, RingReader, type RingRecord } from "./ring.ts";
import { namesOf, RunningHashes } from "./running-hashes.ts";

/** What the hashing thread tells the owner of its ring. */
export interface ThreadReport {
  readonly digests: readonly StreamDigest[];
  /** The owner waited for room in the ring, and there is more now. */
  readonly room: boolean;
}

export interface StreamDigest {
  readonly stream: number;
  /** One behind the other, in the order of HASH_NAMES. */
  readonly digests: Uint8Array;
}

/** The reading side of a ring: works off records in their order and keeps the state of every open stream. */
export class HashThread {
  readonly #reader: RingReader;
  readonly #report: (report: ThreadReport) => void;
  readonly #streams = new Map<number, RunningHashes>();
  #digests: StreamDigest[] = [];

  constructor(memory: RingMemory, report: (report: ThreadReport) => void) {
    this.#reader = new RingReader(memory);
    this.#report = report;
  }

  get streamsOpen(): number {
    return this.#streams.size;
  }

  /** Works until the ring is empty. Called once at every wake-up. */
  run(): void {
    do this.#workOff();
    while (!this.#reader.sleep());
  }

  #workOff(): void {
    for (let more = true; more; ) {
      more = this.#slice();
      const room = this.#reader.writerWaits();
      if (!room && this.#digests.length === 0) continue;
      this.#report({ digests: this.#digests, room });
      this.#digests = [];
    }
  }

  /** One report covers at most this much, so that neither digests nor room are held back for long. */
  #slice(): boolean {
    for (let bytes = 0; bytes < SLICE_BYTES; ) {
      const record = this.#reader.read();
      if (record === undefined) return false;
      this.#handle(record);
      bytes += record.bytes.length;
      this.#reader.release();
    }
    return true;
  }

  #handle(record: RingRecord): void {
    if (record.kind === "open") {
      assert(!this.#streams.has(record.stream), "a stream is opened once");
      this.#streams.set(record.stream, new RunningHashes(namesOf(record.names)));
      return;
    }
    const hashes = this.#streams.get(record.stream);
    assert(hashes !== undefined, "a stream is opened before it is used");
    if (record.kind === "data") {
      hashes.update(record.bytes);
      return;
    }
    this.#streams.delete(record.stream);
    if (record.kind === "digest") {
      this.#digests.push({ stream: record.stream, digests: concatBytes([...hashes.digest().values()]) });
    }
  }
}

const SLICE_BYTES = 512 * 1024;
