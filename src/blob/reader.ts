import { assert } from "../std/assert.ts";
import { AshlarError, hasCode } from "../std/errors.ts";
import type { ByteSource } from "../std/source.ts";
import type { BlobRef } from "./blobs.ts";
import { findDamagedBlock, wholeChecksum } from "./block-checksums.ts";
import { BufferPool } from "./buffer-pool.ts";
import { blobFailure } from "./errors.ts";
import type { BlobCounters, DamageEvent } from "./events.ts";
import type { FileCache, FileLease } from "./file-cache.ts";
import { BLOCK_BYTES, HEADER_BYTES, OWNER_BYTES_MAX, trailerBytes, UNIT_BYTES } from "./format.ts";
import type { ReadRepair } from "./healing/read-repair.ts";
import { headerBytesWanted, headerChecksumAt, parseHeader, parseTrailer } from "./needle.ts";
import { NeedleSource, type OpenNeedle, type SliceRange, WHOLE_BYTES_MAX } from "./needle-source.ts";
import type { Registry, Volume } from "./registry.ts";
import { ANY_NODE, type RemoteFiles } from "./replicas/remote-files.ts";
import type { BlobBugs } from "./seeded-bugs.ts";
import { SliceMemory } from "./slice-memory.ts";

/** Owners that the first pread of a needle expects; a longer one costs a second pread. */
const OWNER_BYTES_EXPECTED = 256;

/** Buffers of reads that have ended, for those that begin. */
const IDLE_BYTES_MAX = 33_554_432;
/** At the copies of one needle, where the volume's row changes meanwhile. */
const LOOKS_MAX = 3;

export interface ReaderContext {
  readonly registry: Registry;
  readonly files: FileCache;
  /** Copies on other nodes; undefined for a node that is alone. */
  readonly remote: RemoteFiles | undefined;
  readonly repair: ReadRepair | undefined;
  readonly counters: BlobCounters;
  readonly readSliceBytes: number;
  readonly onDamage: (damage: Omit<DamageEvent, "kind">) => void;
  readonly bugs: BlobBugs;
}

/**
 * Reads needles. Nothing is handed out before its block is verified against the trailer, and the trailer against the
 * ref: neither a wrong place nor stale bytes nor damage is ever served.
 */
export class BlobReader {
  readonly #context: ReaderContext;
  readonly #sources = new Set<NeedleSource>();
  readonly #buffers = new BufferPool(IDLE_BYTES_MAX);
  #closed = false;

  constructor(context: ReaderContext) {
    this.#context = context;
  }

  read(refs: readonly BlobRef[], start: number, end: number): ByteSource {
    const total = refs.reduce((sum, ref) => sum + ref.length, 0);
    assert(start >= 0 && start <= end && end <= total, "a range lies inside of the refs");
    this.#context.counters.reads++;
    const { readSliceBytes } = this.#context;
    const range = { refs, start, end, sliceBytes: Math.floor(readSliceBytes / BLOCK_BYTES) * BLOCK_BYTES };
    const source = new NeedleSource(this, range, new SliceMemory(this.#buffers), (ended) => {
      this.#sources.delete(ended);
    });
    this.#sources.add(source);
    return source;
  }

  /** Reads that run break off at their next chunk. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sources].map((source) => source.fail(blobFailure("BLOBS_CLOSED"))));
  }

  /** Finds the needle and verifies header and trailer. The caller ends the lease. */
  async open(ref: BlobRef, memory: SliceMemory): Promise<OpenNeedle> {
    return this.#openFrom(0, ref, memory, undefined);
  }

  async elsewhere(ref: BlobRef, needle: OpenNeedle, failure: unknown, memory: SliceMemory): Promise<OpenNeedle> {
    const { source, lease, isMended } = needle;
    if (isMended || !(await this.#mend(lease.node, ref, failure))) {
      return this.#openFrom(source + 1, ref, memory, failure);
    }
    return { ...(await this.#openFrom(source, ref, memory, failure)), isMended: true };
  }

  /** Verified bytes of the needle; whole blocks are read, what was not asked for is cut off. */
  async slice(ref: BlobRef, needle: OpenNeedle, { start, end }: SliceRange, memory: SliceMemory): Promise<Uint8Array> {
    const { lease, position, dataPosition, blocks, whole } = needle;
    const from = Math.floor(start / BLOCK_BYTES) * BLOCK_BYTES;
    const to = Math.min(ref.length, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES);
    const dataAt = dataPosition - position;
    const data =
      whole === undefined
        ? await this.#pread(lease, ref, { position: dataPosition + from, length: to - from, memory })
        : whole.subarray(dataAt + from, dataAt + to);
    const damaged = data.length < to - from ? from / BLOCK_BYTES : findDamagedBlock(data, blocks, from / BLOCK_BYTES);
    if (damaged !== undefined && !this.#context.bugs.has("serve-unverified")) {
      throw this.#damaged(lease, ref, dataPosition + damaged * BLOCK_BYTES, "data");
    }
    this.#context.counters.readBytes += end - start;
    return data.subarray(start - from, end - from);
  }

  /** The first copy from this one on that holds; this node's own is the first of all. */
  async #openFrom(first: number, ref: BlobRef, memory: SliceMemory, before: unknown): Promise<OpenNeedle> {
    let failure = before;
    let seen: number | undefined;
    for (let source = first, looks = 1; ; source++) {
      if (this.#closed) throw blobFailure("BLOBS_CLOSED");
      const volume = await this.#volume(ref);
      seen ??= volume.revision;
      const files = this.#copiesOf(volume)[source];
      if (files === undefined) {
        // The copies may have moved, and this node may not have heard of it yet.
        if (first > 0 || looks === LOOKS_MAX || !(await this.#hasChanged(volume, seen))) throw failure ?? missing(ref);
        looks++;
        source = -1;
        seen = undefined;
        continue;
      }
      try {
        return await this.#openCopy(files, source, volume, ref, memory);
      } catch (error) {
        if (!isOfCopy(error)) throw error;
        failure = worseOf(failure, hasCode(error, "FILE_MISSING") ? missing(ref) : error);
        if (source > 0) this.#context.counters.failedOverReads++;
      }
    }
  }

  async #volume(ref: BlobRef): Promise<Volume> {
    const { registry, remote } = this.#context;
    const known = registry.get(ref.volume);
    const volume = known === undefined && remote !== undefined ? await registry.refresh(ref.volume) : known;
    if (volume === undefined || volume.row.state === "removed") throw missing(ref);
    return volume;
  }

  #copiesOf(volume: Volume): readonly FileCache[] {
    const { registry, files, remote } = this.#context;
    const here = registry.holds(volume) ? [files] : [];
    return [...here, ...(remote?.sourcesOf(volume) ?? [])];
  }

  async #hasChanged(volume: Volume, revision: number): Promise<boolean> {
    const { registry, remote } = this.#context;
    if (remote !== undefined) await registry.refresh(volume.id);
    return volume.revision !== revision;
  }

  async #openCopy(
    files: FileCache,
    source: number,
    volume: Volume,
    ref: BlobRef,
    memory: SliceMemory,
  ): Promise<OpenNeedle> {
    for (let isMended = false; ; isMended = true) {
      const lease = await files.lease(volume.identity);
      try {
        return await this.#openIn(lease, source, ref, memory);
      } catch (error) {
        lease[Symbol.dispose]();
        if (isMended || !(await this.#mend(files.node, ref, error))) throw error;
      }
    }
  }

  /** True where a damaged copy here has been made whole from another one. Of its own copy another node is told. */
  async #mend(node: number | undefined, ref: BlobRef, failure: unknown): Promise<boolean> {
    const { repair } = this.#context;
    if (repair === undefined || !hasCode(failure, "BLOB_DAMAGED")) return false;
    if (node === undefined) return repair.mend(ref);
    if (node !== ANY_NODE) repair.tell(node, ref);
    return false;
  }

  async #openIn(lease: FileLease, source: number, ref: BlobRef, memory: SliceMemory): Promise<OpenNeedle> {
    const position =
      lease.table === undefined ? ref.needle * UNIT_BYTES : await lease.table.find(lease.file, ref.needle);
    if (position === undefined) throw missing(ref);
    const whole = ref.length <= WHOLE_BYTES_MAX;
    const expected = HEADER_BYTES + OWNER_BYTES_EXPECTED + (whole ? ref.length + trailerBytes(ref.length) : 0);
    let bytes = await this.#pread(lease, ref, { position, length: expected, memory });
    const wanted = headerBytesWanted(bytes, 0);
    if (bytes.length < wanted) {
      bytes = await this.#pread(lease, ref, { position, length: HEADER_BYTES + OWNER_BYTES_MAX, memory });
    }
    const header = parseHeader(bytes, 0, lease.identity);
    if (header === undefined || header.filler || header.needle !== ref.needle || header.dataBytes !== ref.length) {
      throw this.#damaged(lease, ref, position, "header");
    }
    const dataPosition = position + HEADER_BYTES + header.ownerBytes;
    const trailerAt = dataPosition - position + ref.length;
    const trailerEnd = trailerAt + trailerBytes(ref.length);
    if (whole && bytes.length < trailerEnd) {
      bytes = await this.#pread(lease, ref, { position, length: trailerEnd, memory });
    }
    const headerChecksum = headerChecksumAt(bytes, 0);
    const trailerData = whole
      ? bytes.subarray(trailerAt, trailerEnd)
      : await this.#pread(lease, ref, { position: position + trailerAt, length: trailerBytes(ref.length), memory });
    const binding = { needle: ref.needle, dataBytes: ref.length, headerChecksum };
    const trailer = parseTrailer(trailerData, 0, binding, lease.identity);
    const holds =
      trailer?.state === "complete" &&
      trailer.checksum === ref.checksum &&
      wholeChecksum(trailer.blocks, ref.length) === ref.checksum;
    if (!holds) throw this.#damaged(lease, ref, position + trailerAt, "footer");
    return {
      lease,
      source,
      position,
      dataPosition,
      blocks: trailer.blocks,
      whole: whole ? bytes : undefined,
      isMended: false,
    };
  }

  async #pread(lease: FileLease, ref: BlobRef, { position, length, memory }: Extent): Promise<Uint8Array> {
    try {
      return await lease.file.read(position, length, memory.room(length));
    } catch (error) {
      if (!hasCode(error, "DISK_FAILED")) throw error;
      throw this.#damaged(lease, ref, position, "data", error);
    }
  }

  #damaged(
    lease: FileLease,
    ref: BlobRef,
    position: number,
    what: DamageEvent["what"],
    cause?: unknown,
  ): AshlarError<"BLOB_DAMAGED"> {
    const { volume, generation } = lease.identity;
    const { needle } = ref;
    this.#context.counters.damagedReads++;
    // Of another node's copy that node tells.
    if (lease.node === undefined) {
      this.#context.onDamage({ volume, generation, found: "read", needle, position, bytes: ref.length, what });
    }
    return blobFailure("BLOB_DAMAGED", { data: { volume, generation, needle, position, what }, cause });
  }
}

interface Extent {
  readonly position: number;
  readonly length: number;
  readonly memory: SliceMemory;
}

/** What one copy fails with, and another one need not. */
function isOfCopy(error: unknown): boolean {
  return error instanceof AshlarError && !hasCode(error, "BLOBS_CLOSED") && !hasCode(error, "BLOBS_FAILED");
}

/** A node that does not answer may still have it; of those that do, damage says most. */
function worseOf(left: unknown, right: unknown): unknown {
  const ranked = ["BLOB_MISSING", "BLOB_DAMAGED", "REPLICAS_UNREACHABLE"] as const;
  const rank = (error: unknown): number => ranked.findIndex((code) => hasCode(error, code));
  return left === undefined || rank(right) > rank(left) ? right : left;
}

function missing(ref: BlobRef): AshlarError<"BLOB_MISSING"> {
  return blobFailure("BLOB_MISSING", { data: { volume: ref.volume, needle: ref.needle } });
}
