// Copies by reference: rows under one key that name needles which were appended under another.
//
// The rows of a copy name the source's needles, with the key that owns them; share rows, put in the same commit, lead the collector
// from that key to the copy. Each commit which is the first under its key to name such needles checks three things: that the source's
// row still names them, that the collector has marked none of them, and what a write of its own key checks. So the needles live when
// the commit happens, and from then on the copy keeps them alive. (`blob/liveness.ts` tells the collector's half.) What ends a copy's
// row writes drop rows and nothing else: it need not know whether others name the needles, and the collector finds out.
//
//   few extents    one commit: object row or part row, share rows, checks of the source's row and of the marks
//   many           pages first, each with its share rows and the same checks; then the row that makes them visible
//
// A copy of a copy names the first owner. Nothing chains, so any of them may go first. Bytes that are copied instead: inline bodies,
// ranges that cut a needle, keys too long for a share row, and a source that changes (or is examined) under every attempt.

import type { HashName } from "../../env/index.ts";
import { equalBytes, toHex } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { ByteSource } from "../../std/source.ts";
import type { Check, Row, Store } from "../../store/index.ts";
import type { Context } from "./context.ts";
import { newTimedId } from "./keys.ts";
import type { Opened } from "./object-reader.ts";
import type { ChecksumAlgorithm, StoredChecksum } from "./objects.ts";
import { decodeObjectRecord, encodeObjectRecord, type PartRun, type Storage } from "./record.ts";
import { abandonManifest, readRunsFrom, type ShareSource, storeRuns } from "./storage.ts";

const ATTEMPTS_MAX = 4;

/** What a new row says of its bytes, once they are durable. */
export interface Content {
  readonly size: number;
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
  readonly storage: Storage;
}

export interface SharedRange {
  readonly start: number;
  readonly end: number;
  /** Of the part that it becomes, 0 for an object of its own. */
  readonly partNumber: number;
  /** The checksum that is kept with it. */
  readonly algorithm: ChecksumAlgorithm | undefined;
}

/** The row that names the needles which a copy is about to name. */
export class SharedSource implements ShareSource {
  readonly #store: Store;
  #row: Row;

  constructor(store: Store, row: Row) {
    this.#store = store;
    this.#row = row;
  }

  get check(): Check {
    const { table, key, suffix, revision } = this.#row;
    return { table, key, suffix, revision };
  }

  /** It may have other tags by now: then the next check expects them. */
  async isThere(): Promise<boolean> {
    const { row } = await this.#store.get(this.#row);
    if (row === undefined) return false;
    if (row.revision !== this.#row.revision && !equalBytes(untagged(row), untagged(this.#row))) return false;
    this.#row = row;
    return true;
  }
}

/** The source was overwritten, moved or deleted before the copy was committed. */
export class SourceChanged extends Error {
  override readonly name = "SourceChanged";
}

/**
 * Opens the source and shares what it holds then, from the beginning where it changes in between. `shared` is undefined
 * where the bytes have to be copied.
 */
export async function sharing<T>(
  open: () => Promise<Opened>,
  share: (opened: Opened) => Promise<T | undefined>,
): Promise<{ readonly opened: Opened; readonly shared: T | undefined }> {
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    const opened = await open();
    try {
      return { opened, shared: await share(opened) };
    } catch (error) {
      if (hasCode(error, "CONFLICT")) break;
      if (!(error instanceof SourceChanged)) throw error;
    }
  }
  return { opened: await open(), shared: undefined };
}

/**
 * Has `commit` put a row under the key that names the needles of a range. Undefined where they can not be shared.
 * Throws SourceChanged.
 */
export async function shareRange<T>(
  context: Context,
  key: Uint8Array,
  opened: Opened,
  range: SharedRange,
  commit: (content: Content, source: SharedSource) => Promise<T>,
): Promise<T | undefined> {
  const cut = await cutRange(context, key, opened, range);
  if (cut === undefined) return undefined;
  const { etag, checksum } = await digestsOf(context, opened, range, cut);
  const size = range.end - range.start;
  const runs = joined(cut, { partNumber: range.partNumber, partSize: size, etag, checksum });
  const source = new SharedSource(context.store, opened.row);
  const storage = await storeRuns(context, key, runs, newTimedId(context.clock.now(), context.random), source);
  if (storage === undefined) throw new SourceChanged("while its pages were shared");
  try {
    return await commit({ size, etag, checksum, storage }, source);
  } catch (error) {
    // Any other failure may hide a commit that went through: then the pages are the object's.
    if (error instanceof SourceChanged) await abandonManifest(context, key, storage);
    throw error;
  }
}

/** A run of the source, or the middle of one. */
interface Cut {
  readonly run: PartRun;
  /** Where it begins in the run. */
  readonly offset: number;
  readonly owner: Uint8Array | undefined;
  readonly refs: PartRun["refs"];
}

/** Undefined where the range begins or ends within a needle, or where a key is too long. */
async function cutRange(
  context: Context,
  key: Uint8Array,
  { key: sourceKey, storage }: Opened,
  { start, end }: SharedRange,
): Promise<readonly Cut[] | undefined> {
  if (storage.kind === "inline" || start >= end) return undefined;
  const cuts: Cut[] = [];
  let position = start;
  for await (const { run, start: runStart } of readRunsFrom(context, sourceKey, storage, start)) {
    let at = runStart;
    let offset: number | undefined;
    const refs: PartRun["refs"][number][] = [];
    for (const ref of run.refs) {
      if (at === position && at < end) {
        offset ??= at - runStart;
        refs.push(ref);
        position += ref.length;
      }
      at += ref.length;
    }
    if (offset !== undefined) {
      const owner = run.owner ?? sourceKey;
      if (!equalBytes(owner, key) && context.blobs.shareRows(owner, key, []) === undefined) return undefined;
      cuts.push({ run, offset, owner: equalBytes(owner, key) ? undefined : owner, refs });
    }
    if (at >= end) break;
  }
  return position === end ? cuts : undefined;
}

/** Runs of one owner that lie next to each other become one. */
function joined(cuts: readonly Cut[], part: Omit<PartRun, "partOffset" | "owner" | "refs">): readonly PartRun[] {
  const runs: PartRun[] = [];
  let partOffset = 0;
  for (const { owner, refs } of cuts) {
    const last = runs.at(-1);
    const goesOn = last !== undefined && equalOwners(last.owner, owner);
    if (goesOn) runs[runs.length - 1] = { ...last, refs: [...last.refs, ...refs] };
    else runs.push({ ...part, partOffset, owner, refs });
    partOffset += refs.reduce((sum, ref) => sum + ref.length, 0);
  }
  return runs;
}

/** Those that are kept with the source already are taken over; for others its bytes are read, but not written. */
async function digestsOf(
  context: Context,
  opened: Opened,
  { start, end, algorithm }: SharedRange,
  cuts: readonly Cut[],
): Promise<Pick<Content, "etag" | "checksum">> {
  const kept = keptDigests(opened, start, end, cuts);
  const etag = kept?.etag;
  const isKept = kept?.checksum?.type === "full-object" && kept.checksum.algorithm === algorithm;
  const checksum = isKept ? kept.checksum : undefined;
  const names: HashName[] = [];
  if (etag === undefined) names.push("md5");
  if (algorithm !== undefined && checksum === undefined) names.push(algorithm);
  const digests = names.length === 0 ? undefined : await hashAll(context, names, opened.body(start, end), end - start);
  const value = algorithm && digests?.get(algorithm);
  return {
    etag: etag ?? toHex(digests!.get("md5")!),
    checksum: algorithm && value ? { algorithm, type: "full-object", value } : checksum,
  };
}

/** Of an object that was put whole, or of exactly one of its parts. */
function keptDigests(
  { info }: Opened,
  start: number,
  end: number,
  cuts: readonly Cut[],
): { readonly etag: string | undefined; readonly checksum: StoredChecksum | undefined } | undefined {
  const { run, offset } = cuts[0]!;
  const isPart = run.partNumber > 0 && run.partOffset + offset === 0 && run.partSize === end - start;
  if (isPart && cuts.every((cut) => cut.run.partNumber === run.partNumber)) return run;
  if (start > 0 || end < info.size) return undefined;
  return { etag: info.partCount === undefined ? info.etag : undefined, checksum: info.checksum };
}

async function hashAll(
  { compute }: Context,
  names: readonly HashName[],
  source: ByteSource,
  length: number,
): Promise<ReadonlyMap<HashName, Uint8Array>> {
  using hasher = compute.hasher(names, length);
  try {
    for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) {
      const taken = hasher.update(chunk);
      if (taken !== undefined) await taken;
    }
  } catch (error) {
    source.cancel(error);
    throw error;
  }
  return hasher.digest();
}

/** All but the tags, which change without the bytes. */
function untagged({ value }: Row): Uint8Array {
  return encodeObjectRecord({ ...decodeObjectRecord(value), tags: new Map() });
}

function equalOwners(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  return left === undefined || right === undefined ? left === right : equalBytes(left, right);
}
