// The one deterministic apply: the same entries give the same rows and results on every replica, in every engine of the
// Index. Each call writes one atomic batch that holds the rows together with the applied index and the revision that
// they lead to; so after a crash the Index is the state behind some entry, and replaying the log from there gives the
// same end.

import type { Index, IndexRange, IndexRow, IndexSnapshot } from "../env/index.ts";
import type { Capture, Entry, StateMachine } from "../host/index.ts";
import { assert } from "../std/assert.ts";
import type { ByteSource } from "../std/source.ts";
import { CheckpointStream, restoreBytes } from "./checkpoint.ts";
import { storeFailure } from "./errors.ts";
import { successor } from "./key-codec.ts";
import { Batch } from "./machine/batch.ts";
import type { CommitEvent, LeaseChange } from "./machine/events.ts";
import { LEASE_KEYS, leaseKey } from "./machine/keys.ts";
import { decodeLeaseRow, type LeaseRecord } from "./machine/leases.ts";
import { NO_TRANSACTION_BUGS, type TransactionBugs } from "./machine/prepared-bugs.ts";
import { countPrepared, type PreparedCounts } from "./machine/prepared-locks.ts";
import { type RangeState, readRangeState } from "./machine/range-state.ts";
import type { CommandResult } from "./machine/result.ts";
import { type MachineState, readState } from "./machine/state.ts";
import { decodeRow, type StoredRow } from "./row-codec.ts";

export type { CommitEvent, LeaseChange, RowChange } from "./machine/events.ts";
export type { CommandResult } from "./machine/result.ts";

export interface MachineOptions {
  readonly index: Index;
  readonly group: number;
  readonly observer?: MachineObserver;
  /**
   * Where a snapshot's bytes become durable before they take the place of any row; it gives them back. Without it a
   * restore that breaks off leaves an Index that is of no use, and nothing else.
   */
  readonly keep?: (source: ByteSource, appliedIndex: number) => Promise<ByteSource>;
  /** Lets other work in between the parts of a restore. */
  readonly endTurn?: () => Promise<void>;
  readonly bugs?: TransactionBugs;
  /** Until it is given keys, the group serves none; else it begins with all. */
  readonly beginsEmpty?: boolean;
}

export interface MachineObserver {
  /**
   * Called at the end of each call of `apply`, when its batch was written, with the commits that changed rows, in
   * order, what became of leases, and the transactions that let go of rows.
   */
  applied?(events: readonly CommitEvent[], leases: readonly LeaseChange[], released: readonly Uint8Array[]): void;
  /** A snapshot has taken the place of all rows. */
  restored?(): void;
}

const LEASES_A_SCAN = 512;

export class StoreMachine implements StateMachine<CommandResult> {
  readonly isDurable = true;
  readonly #index: Index;
  readonly #options: MachineOptions;
  readonly #bugs: TransactionBugs;
  #state: MachineState;
  #ranges: RangeState | undefined;
  #prepared: PreparedCounts;
  #restoring: Promise<void> | undefined;

  /**
   * Takes up the state that the Index holds, or begins at nothing where it is empty. Throws ROW_DAMAGED where the Index
   * has to be rebuilt (its state is damaged, or a restore into it broke off) and FORMAT_NEWER where a newer version
   * wrote it.
   */
  constructor(options: MachineOptions) {
    const { index, group } = options;
    const state = readState(index);
    if (state === undefined && index.scan({ limit: 1 }).length > 0) {
      throw storeFailure("ROW_DAMAGED", { what: "The index holds rows but not the state that they belong to." });
    }
    this.#index = index;
    this.#options = options;
    this.#state = state ?? { group, appliedIndex: 0, term: 0, revision: 0, lastLease: 0, commandBytes: 0 };
    this.#bugs = options.bugs ?? NO_TRANSACTION_BUGS;
    this.#prepared = countPrepared(index);
    assert(this.#state.group === group, "an Index belongs to one group");
    this.#ranges = readRangeState(index, this.#beginsEmpty);
  }

  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  get revision(): number {
    return this.#state.revision;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Undefined: it serves all keys and gives none away. */
  get ranges(): RangeState | undefined {
    return this.#ranges;
  }

  /** How much of commits over several groups there is here: nearly always nothing. */
  get prepared(): PreparedCounts {
    return this.#prepared;
  }

  /** While a snapshot takes the place of all rows, none is to be read. Rejects where that fails: the node stops. */
  get restoring(): Promise<void> | undefined {
    return this.#restoring;
  }

  /** Throws ROW_DAMAGED where a row that a command touches is damaged; then nothing of this call has happened. */
  apply(entries: readonly Entry[]): readonly (readonly CommandResult[])[] {
    if (entries.length === 0) return [];
    const batch = new Batch(this.#index, this.#state, {
      ranges: this.#ranges,
      prepared: this.#prepared,
      bugs: this.#bugs,
    });
    const results = entries.map(({ index, term, commands }) => {
      assert(index === batch.state.appliedIndex + 1, "entries are applied in order, each once");
      assert(term >= batch.state.term, "terms never go back");
      const answers = commands.map((command) => batch.apply(command, term));
      batch.endEntry(index, term);
      return answers;
    });
    this.#index.write(batch.changes());
    this.#state = batch.state;
    this.#ranges = batch.ranges;
    this.#prepared = batch.prepared;
    this.#options.observer?.applied?.(batch.events, batch.leases, batch.released);
    return results;
  }

  /** A snapshot's bytes are a checkpoint's. Its reads reject with ROW_DAMAGED. */
  capture(): Capture {
    assert(this.#restoring === undefined, "a state is captured while there is one");
    const snapshot = this.snapshot();
    const { state } = this;
    return { read: () => new CheckpointStream(snapshot, state), close: () => snapshot.close() };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    const { keep, observer } = this.#options;
    const kept = keep === undefined ? source : await keep(source, index);
    this.#restoring = this.#replaceRows(kept, index);
    // Whoever reads meanwhile hears of a failure, too.
    this.#restoring.catch(() => {});
    await this.#restoring;
    this.#restoring = undefined;
    observer?.restored?.();
  }

  /** The row under an encoded address. Throws ROW_DAMAGED. */
  row(key: Uint8Array): StoredRow | undefined {
    const stored = this.#index.get(key);
    return stored === undefined ? undefined : decodeRow(key, stored);
  }

  lease(lease: number): LeaseRecord | undefined {
    const key = leaseKey(lease);
    const stored = this.#index.get(key);
    return stored === undefined ? undefined : decodeLeaseRow(key, stored);
  }

  *leases(): Generator<LeaseRecord & { readonly lease: number }, void, void> {
    let { from } = LEASE_KEYS;
    for (;;) {
      const rows = this.#index.scan({ from, to: LEASE_KEYS.to, limit: LEASES_A_SCAN });
      for (const { key, value } of rows) yield decodeLeaseRow(key, value);
      if (rows.length < LEASES_A_SCAN) return;
      from = successor(rows.at(-1)!.key);
    }
  }

  /** Rows of callers and the machine's own, as they stand in the Index. */
  scan(range: IndexRange): IndexRow[] {
    return this.#index.scan(range);
  }

  /** A frozen view of all rows, the machine's own state among them. Its owner closes it. */
  snapshot(): IndexSnapshot {
    return this.#index.snapshot();
  }

  get #beginsEmpty(): boolean {
    return this.#options.beginsEmpty ?? false;
  }

  async #replaceRows(source: ByteSource, index: number): Promise<void> {
    const { group, appliedIndex } = await restoreBytes(source, this.#index, this.#options.endTurn);
    assert(group === this.#state.group && appliedIndex === index, "a snapshot is of the entry that it is named after");
    this.#state = readState(this.#index)!;
    this.#ranges = readRangeState(this.#index, this.#beginsEmpty);
    this.#prepared = countPrepared(this.#index);
  }
}
