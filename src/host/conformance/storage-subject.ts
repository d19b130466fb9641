import type { HardState } from "../../core/raft/index.ts";
import type { RaftLogRecord } from "../storage/raft-log.ts";
import type { OpenRaftStorage, RaftStorage } from "../storage/raft-storage.ts";

export type StorageNeed = "crash";

/** A storage that is open, and what can happen to it. */
export interface StorageSubject extends AsyncDisposable {
  readonly storage: RaftStorage;
  /** As it is open now. */
  readonly opened: OpenRaftStorage;
  /** Leaves the storage to whoever opens it; `reopen` and `crash` open it for the suite again. */
  close(): Promise<void>;
  reopen(): Promise<void>;
  /** Power fails, with whatever is on its way, and comes back. */
  crash(): Promise<void>;
  /** Has the provider's time go on until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

export function append(subject: StorageSubject, records: readonly RaftLogRecord[]): Promise<void> {
  return subject.settle(appending(subject, records));
}

export function appending({ opened }: StorageSubject, records: readonly RaftLogRecord[]): Promise<void> {
  return new Promise((resolve, reject) => {
    opened.log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** `count` entries from `firstIndex` on, each of bytes that tell its index and term. */
export function entries(group: number, firstIndex: number, count: number, term = 1, length = 20): RaftLogRecord {
  const all = Array.from({ length: count }, (_, at) => entryBytes(firstIndex + at, term, length));
  return { kind: "entries", group, firstIndex, term, entries: all };
}

export function entryBytes(index: number, term: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (index * 31 + term * 7 + at) & 0xff;
  return bytes;
}

export function hardState(group: number, state: Partial<HardState>): RaftLogRecord {
  return { kind: "hardState", group, ...{ term: 1, vote: 0, commit: 0, incarnation: 0, isLost: false }, ...state };
}
