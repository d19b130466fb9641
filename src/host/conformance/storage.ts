import type { OpenRaftStorage, RaftStorage } from "../storage/raft-storage.ts";
import { type ConformanceSkip, type RegisterTest, register } from "./case.ts";
import { CRASH_CASES, DISK_CASES } from "./storage-crashes.ts";
import { GROUP_CASES } from "./storage-group.ts";
import { LOG_CASES } from "./storage-log.ts";
import type { StorageNeed, StorageSubject } from "./storage-subject.ts";

export interface RaftStorageConformance<Fixture extends StorageFixture> {
  /** Registers a test with the runner, as node:test's `test` does. */
  readonly test: RegisterTest;
  /** Stands before the name of each test. */
  readonly name: string;
  /** A new, empty storage that nobody has open. */
  readonly open: () => Promise<Fixture>;
  /** Ends whatever has the storage open as a power cut would: it can be opened again, over what was durable. */
  readonly crash?: (fixture: Fixture) => Promise<void>;
  /** For storages in a time of their own: has it go on until the promise settles. */
  readonly settle?: <T>(fixture: Fixture, promise: Promise<T>) => Promise<T>;
  readonly skip?: readonly ConformanceSkip[];
}

export interface StorageFixture extends AsyncDisposable {
  readonly storage: RaftStorage;
}

const CASES = [...LOG_CASES, ...DISK_CASES, ...GROUP_CASES, ...CRASH_CASES];

/** The tests with what they need of their provider, so that one who lacks it can skip them. */
export const RAFT_STORAGE_TESTS: readonly { readonly name: string; readonly needs: readonly StorageNeed[] }[] =
  CASES.map(({ name, needs = [] }) => ({ name, needs }));

/** Registers all tests. Throws where a skip names none of them. */
export function raftStorageConformance<Fixture extends StorageFixture>(
  settings: RaftStorageConformance<Fixture>,
): void {
  const { test, name, skip = [] } = settings;
  register({
    ...{ test, name, skip, cases: CASES },
    can: (need) => settings[need] !== undefined,
    open: async () => {
      const subject = new Subject(settings, await settings.open());
      await subject.reopen();
      return subject;
    },
  });
}

class Subject<Fixture extends StorageFixture> implements StorageSubject {
  readonly #settings: RaftStorageConformance<Fixture>;
  readonly #fixture: Fixture;
  #opened: OpenRaftStorage | undefined;
  #failure: Error | undefined;

  constructor(settings: RaftStorageConformance<Fixture>, fixture: Fixture) {
    this.#settings = settings;
    this.#fixture = fixture;
  }

  get storage(): RaftStorage {
    return this.#fixture.storage;
  }

  get opened(): OpenRaftStorage {
    return this.#opened!;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened !== undefined) await this.settle(Promise.resolve(opened[Symbol.asyncDispose]()));
  }

  async reopen(): Promise<void> {
    await this.close();
    this.#opened = await this.settle(this.storage.open({ onFatal: (error) => void (this.#failure = error) }));
  }

  async crash(): Promise<void> {
    this.#opened = undefined;
    await this.#settings.crash!(this.#fixture);
    await this.reopen();
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.#settings.settle === undefined ? promise : this.#settings.settle(this.#fixture, promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.#fixture[Symbol.asyncDispose]();
    if (this.#failure !== undefined) throw this.#failure;
  }
}
