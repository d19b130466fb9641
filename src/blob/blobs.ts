import type { ByteSource } from "../std/source.ts";
import type { Check, Put } from "../store/index.ts";

/**
 * Many bytes: needles in append-only volumes. The caller appends first (durable when the promise resolves), then
 * commits a row that names the refs, with `referenceChecks` among the commit's checks. A needle that no row ever names
 * is collected later; one that a row lets go of gets `dropRows` in that same commit.
 */
export interface Blobs extends AsyncDisposable {
  /**
   * Stores `length` bytes of the source under the owner (the Store key of the rows that will name it), in extents of at
   * most 8 MiB; of an empty body there are no refs. Rejects with SOURCE_LENGTH where the source is shorter or longer,
   * with SPACE_RESERVED below the free-space reserve, with BLOBS_OVERLOADED where too much waits, with VOLUME_LOST
   * where another node took the volume over (try again), and with what the source rejects with. Nothing of a rejected
   * append is ever live; its source is cancelled.
   */
  append(owner: Uint8Array, source: ByteSource, length: number): Promise<BlobAppend>;
  /**
   * Asked before a commit whose bytes are not appended here but kept in rows. Rejects with SPACE_RESERVED: additions
   * below the free-space reserve, like appends, and removals only where the disk is as good as full.
   */
  checkSpace(change: "addition" | "removal"): Promise<void>;
  /**
   * The bytes from `start` up to `end` (exclusive) of the refs laid end to end; each 64 KiB block is verified before it
   * is handed out. Its reads reject with BLOB_DAMAGED or BLOB_MISSING, and with BLOBS_CLOSED where the node stops.
   * Cancel it if it is not read to its end: it holds a file open.
   */
  read(refs: readonly BlobRef[], start: number, end: number): ByteSource;
  /**
   * Checks that a commit needs whose puts name these refs: the collector has not condemned them. The owner is the one
   * that they were appended under, also where the row that names them has another key (copy, clone).
   */
  referenceChecks(owner: Uint8Array, refs: readonly BlobRef[]): readonly Check[];
  /**
   * Rows that a commit puts whose other puts name refs of another owner under the key `holder`: through them the
   * collector finds the holder. Where the holder names the refs for the first time, the commit checks too that the row
   * is as it was from which they were read. Left out only where the commit checks a row of the holder's own that names
   * them; nobody deletes these rows but the collector. Undefined where the two keys are too long for one row: such
   * bytes can only be copied.
   */
  shareRows(owner: Uint8Array, holder: Uint8Array, refs: readonly BlobRef[]): readonly Put[] | undefined;
  /**
   * Rows that a commit puts when it deletes or overwrites a row under `key` that names these refs, whoever their owner
   * is; the collector finds out whether it was the last one.
   */
  dropRows(key: Uint8Array, refs: readonly BlobRef[]): readonly Put[];
}

export interface BlobAppend extends Disposable {
  readonly refs: readonly BlobRef[];
  /** Call once the row is committed or given up: until then the collector leaves the needles alone. */
  [Symbol.dispose](): void;
}

export interface BlobRef {
  readonly volume: number;
  /** Position of the needle in the volume's first generation, in units of 8 bytes: its name for life. */
  readonly needle: number;
  /** Bytes of data. */
  readonly length: number;
  /** crc32c of the data. */
  readonly checksum: number;
}

/**
 * Asked by the collector and the scrub, and at a start about what was appended last. The answer comes from linearizable
 * reads made after the question. A wrong "no" loses data; a wrong "yes" keeps garbage.
 */
export interface References {
  /** For each of the needles, whether a row under this key names it. Blobs asks for the owner and for each holder. */
  named(key: Uint8Array, needles: readonly Pick<BlobRef, "volume" | "needle">[]): Promise<readonly boolean[]>;
}
