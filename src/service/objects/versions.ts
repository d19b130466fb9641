import type { Clock, Random } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { equalBytes } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { Check, Commit, Put, Row, RowAddress, Store } from "../../store/index.ts";
import { TABLES } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import {
  headRow,
  isVersionId,
  nextOrder,
  objectRow,
  rowsOfKey,
  versionIdFor,
  versionRow,
  versionSuffix,
} from "./keys.ts";
import type { Versioning } from "./objects.ts";
import { decodeObjectRecord, encodeObjectRecord, type ObjectRecord, type Storage } from "./record.ts";
import { type ObjectBytes, storageChecks, storageDrop, storageShares } from "./storage.ts";

// How the versions of one key are laid out, and what a change of them commits.
//
// The object row is the current version, and is absent where the newest version is a delete marker: LIST reads live keys only.
// Older versions and all delete markers are version rows, newest first. In a bucket that has or had versioning each key has a head
// row, which every change reads, checks and writes: two changes of a key never pass each other.

export interface Head {
  readonly lastOrder: number;
  /** Suffix of the version row that holds the null version, empty while it is current or there is none. */
  readonly nullSuffix: Uint8Array;
}

/** All of one moment. */
export interface KeyState {
  readonly key: Uint8Array;
  readonly current: ObjectRecord | undefined;
  readonly currentRow: Row | undefined;
  readonly head: Head | undefined;
  readonly headRow: Row | undefined;
  /** Of the version that was asked for, where it is an older one. */
  readonly olderRow: Row | undefined;
}

/** So often may others change the key while it is looked at. */
const ATTEMPTS_MAX = 100;

/** A commit in the making: what the change of a key adds up to. */
export class Change {
  readonly checks: Check[] = [];
  readonly puts: Put[] = [];
  readonly deletes: RowAddress[] = [];
  readonly #bytes: ObjectBytes;
  readonly #key: Uint8Array;

  constructor(bytes: ObjectBytes, key: Uint8Array) {
    this.#bytes = bytes;
    this.#key = key;
  }

  expect(address: RowAddress, row: Row | undefined): this {
    this.checks.push(row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision });
    return this;
  }

  put(address: RowAddress, value: Uint8Array): this {
    this.puts.push({ ...address, value });
    return this;
  }

  delete(address: RowAddress): this {
    this.deletes.push(address);
    return this;
  }

  /** A row of this commit names the storage. */
  reference(storage: Storage | undefined): this {
    this.checks.push(...storageChecks(this.#bytes, this.#key, storage));
    return this;
  }

  /** No row that this commit checks names the storage yet under this key: its share rows may not be there. */
  share(storage: Storage | undefined): this {
    const shares = storageShares(this.#bytes, this.#key, storage);
    assert(shares !== undefined, "a copy names only what a share row can name");
    this.puts.push(...shares);
    return this;
  }

  /** This commit names what another key's row names, and that row is as it was. */
  takeFrom(source: Check): this {
    this.checks.push(source);
    return this;
  }

  /** This commit removes the last row that names the storage. */
  drop(storage: Storage | undefined): this {
    const { puts, deletes } = storageDrop(this.#bytes, this.#key, storage);
    this.puts.push(...puts);
    this.deletes.push(...deletes);
    return this;
  }

  /** A row that is dropped and written anew (an inline body that is overwritten in place) is only written. */
  commit(): Commit {
    const isPut = (address: RowAddress): boolean => this.puts.some((put) => sameAddress(put, address));
    return { checks: this.checks, puts: this.puts, deletes: this.deletes.filter((address) => !isPut(address)) };
  }
}

/**
 * The key, and a version of it that is looked for: in one read, since versions change their places. Between two, one that
 * is there all the time may be found in neither.
 */
export async function readKeyState(store: Store, key: Uint8Array, versionId?: string): Promise<KeyState> {
  const isPlaced = versionId !== undefined && versionId !== "null" && isVersionId(versionId);
  let suffix = isPlaced ? versionSuffix({ versionId, order: 0 }) : NONE;
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    const older = suffix.length > 0 ? [versionRow(key, suffix)] : [];
    const [currentRow, headOf, olderRow] = await store.getMany([objectRow(key), headRow(key), ...older]);
    const current = currentRow && decodeObjectRecord(currentRow.value);
    const head = headOf && decodeHead(headOf.value);
    const nullSuffix = head?.nullSuffix ?? NONE;
    if (versionId !== "null" || equalBytes(nullSuffix, suffix)) {
      return { key, current, currentRow, head, headRow: headOf, olderRow };
    }
    // Only the head tells where the null version is.
    suffix = nullSuffix;
  }
  throw objectFailure("CONFLICT");
}

/** The key and its newest version, a delete marker too. */
export async function readNewest(
  store: Store,
  key: Uint8Array,
): Promise<{ readonly state: KeyState; readonly newest: ObjectRecord | undefined }> {
  let state = await readKeyState(store, key);
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    if (state.current !== undefined || state.head === undefined) return { state, newest: state.current };
    const [newest] = await newestVersions(store, key, 1);
    const now = await readKeyState(store, key);
    if (now.headRow?.revision === state.headRow?.revision) {
      return { state, newest: newest && decodeObjectRecord(newest.value) };
    }
    state = now;
  }
  throw objectFailure("CONFLICT");
}

export interface VersionContext extends ObjectBytes {
  readonly clock: Clock;
  readonly random: Random;
}

/** The place of a new version. */
export function newVersion(
  { clock, random }: VersionContext,
  state: KeyState,
  versioning: Versioning,
): Pick<ObjectRecord, "versionId" | "order" | "lastModifiedMillis"> {
  const now = clock.now();
  const lastOrder = Math.max(state.head?.lastOrder ?? 0, state.current?.order ?? 0);
  const order = nextOrder(now, lastOrder);
  const versionId =
    versioning === "off" ? undefined : versioning === "suspended" ? "null" : versionIdFor(order, random);
  return { versionId, order, lastModifiedMillis: now };
}

/** Makes `record` the newest version of its key: an object becomes current, a delete marker hides what was. */
export async function addVersion(
  context: VersionContext,
  state: KeyState,
  versioning: Versioning,
  record: ObjectRecord,
): Promise<Change> {
  const { key, current } = state;
  const change = new Change(context, key).expect(objectRow(key), state.currentRow).reference(record.storage);
  const recordSuffix = versionSuffix(record);
  if (versioning === "off") {
    change.put(objectRow(key), encodeObjectRecord(record)).drop(current?.storage);
    return change;
  }
  change.expect(headRow(key), state.headRow);
  let nullSuffix = state.head?.nullSuffix ?? NONE;
  const replacesNull = versioning === "suspended";
  if (replacesNull && nullSuffix.length > 0) {
    await deleteVersionRow(context, change, key, nullSuffix);
    nullSuffix = NONE;
  }
  if (current !== undefined && replacesNull && isNull(current)) change.drop(current.storage);
  else if (current !== undefined) {
    const suffix = versionSuffix(current);
    change.put(versionRow(key, suffix), encodeObjectRecord(current)).reference(current.storage);
    if (isNull(current)) nullSuffix = suffix;
  }
  if (record.deleteMarker) {
    change.put(versionRow(key, recordSuffix), encodeObjectRecord(record)).delete(objectRow(key));
    if (isNull(record)) nullSuffix = recordSuffix;
  } else {
    change.put(objectRow(key), encodeObjectRecord(record));
  }
  return change.put(headRow(key), encodeHead({ lastOrder: record.order, nullSuffix }));
}

/** Removes the current version where it is the one, and brings back the newest of the others. */
export async function removeCurrent(context: VersionContext, state: KeyState): Promise<Change> {
  const { key, current, head } = state;
  const change = new Change(context, key).expect(objectRow(key), state.currentRow).drop(current?.storage);
  if (head === undefined) return change.delete(objectRow(key));
  change.expect(headRow(key), state.headRow);
  const [next] = await newestVersions(context.store, key, 1);
  return promote(change, state, next, undefined);
}

/** Removes a version row; where it was the newest (a delete marker), the next one becomes current if it is an object. */
export async function removeVersion(context: VersionContext, state: KeyState, row: Row): Promise<Change> {
  const { key, head } = state;
  const change = new Change(context, key).expect(objectRow(key), state.currentRow).expect(headRow(key), state.headRow);
  change
    .expect(versionRow(key, row.suffix), row)
    .delete(versionRow(key, row.suffix))
    .drop(decodeObjectRecord(row.value).storage);
  const newest = await newestVersions(context.store, key, 2);
  const isNewest = state.current === undefined && newest[0] !== undefined && equalBytes(newest[0].suffix, row.suffix);
  if (isNewest) return promote(change, state, newest[1], row.suffix);
  const nullSuffix = head !== undefined && !equalBytes(head.nullSuffix, row.suffix) ? head.nullSuffix : NONE;
  const lastOrder = head?.lastOrder ?? 0;
  const othersRemain = state.current !== undefined || newest.length > 1;
  return othersRemain ? change.put(headRow(key), encodeHead({ lastOrder, nullSuffix })) : change.delete(headRow(key));
}

export function isNull(record: ObjectRecord): boolean {
  return record.versionId === undefined || record.versionId === "null";
}

/** Version rows of the key, newest first, without the head row. */
export async function newestVersions(store: Store, key: Uint8Array, limit: number): Promise<readonly Row[]> {
  const { to } = rowsOfKey(key);
  return (await store.scan(TABLES.version, { after: { key }, to }, { limit })).rows;
}

function promote(change: Change, state: KeyState, next: Row | undefined, removed: Uint8Array | undefined): Change {
  const { key, head } = state;
  let nullSuffix = head?.nullSuffix ?? NONE;
  if (removed !== undefined && equalBytes(nullSuffix, removed)) nullSuffix = NONE;
  const record = next && decodeObjectRecord(next.value);
  if (next !== undefined && record !== undefined && !record.deleteMarker) {
    change.expect(versionRow(key, next.suffix), next).delete(versionRow(key, next.suffix));
    change.put(objectRow(key), encodeObjectRecord(record)).reference(record.storage);
    if (equalBytes(nullSuffix, next.suffix)) nullSuffix = NONE;
  } else {
    change.delete(objectRow(key));
  }
  if (next === undefined) return change.delete(headRow(key));
  return change.put(headRow(key), encodeHead({ lastOrder: head?.lastOrder ?? 0, nullSuffix }));
}

async function deleteVersionRow(
  context: VersionContext,
  change: Change,
  key: Uint8Array,
  suffix: Uint8Array,
): Promise<void> {
  const address = versionRow(key, suffix);
  const { row } = await context.store.get(address);
  if (row === undefined) return;
  change.expect(address, row).delete(address).drop(decodeObjectRecord(row.value).storage);
}

const NONE = new Uint8Array(0);

function encodeHead(head: Head): Uint8Array {
  return new ByteWriter(32).u8(1).varint(head.lastOrder).blob(head.nullSuffix).finish();
}

export function decodeHead(value: Uint8Array): Head {
  const reader = new ByteReader(value);
  reader.u8();
  return { lastOrder: reader.varint(), nullSuffix: reader.blob().slice() };
}

function sameAddress(left: RowAddress, right: RowAddress): boolean {
  return (
    left.table === right.table &&
    equalBytes(left.key, right.key) &&
    equalBytes(left.suffix ?? NONE, right.suffix ?? NONE)
  );
}
