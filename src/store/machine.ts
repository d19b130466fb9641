// The one deterministic apply: the same entries give the same rows and results on every replica, in every engine of the
// Index. Each call writes one atomic batch that holds the rows together with the applied index and the revision that
// they lead to; so after a crash the Index is the state behind some entry, and replaying the log from there gives the
// same end.

import type { Index, IndexRange, IndexRow, IndexSnapshot } from "../env/index.ts";
import type { Entry, StateMachine } from "../host/index.ts";
import { assert } from "../std/assert.ts";
import { storeFailure } from "./errors.ts";
import { successor } from "./key-codec.ts";
import { Batch, type CommitEvent } from "./machine/batch.ts";
import { LEASE_KEYS, leaseKey } from "./machine/keys.ts";
import { decodeLeaseRow, type LeaseRecord } from "./machine/leases.ts";
import type { CommandResult } from "./machine/result.ts";
import { type MachineState, readState } from "./machine/state.ts";
import { decodeRow, type StoredRow } from "./row-codec.ts";

export type { CommitEvent, RowChange } from "./machine/batch.ts";
export type { CommandResult } from "./machine/result.ts";

export interface MachineOptions {
  readonly index: Index;
  readonly group: number;
  /**
   * Called at the end of each call of `apply`, when its batch was written, with the commits that changed rows, in
   * order.
   */
  readonly onApplied?: (events: readonly CommitEvent[]) => void;
}

const LEASES_A_SCAN = 512;

export class StoreMachine implements StateMachine<CommandResult> {
  readonly #index: Index;
  readonly #onApplied: (events: readonly CommitEvent[]) => void;
  #state: MachineState;

  /**
   * Takes up the state that the Index holds, or begins at nothing where it is empty. Throws ROW_DAMAGED where the Index
   * has to be rebuilt (its state is damaged, or a restore into it broke off) and FORMAT_NEWER where a newer version
   * wrote it.
   */
  constructor({ index, group, onApplied = () => {} }: MachineOptions) {
    const state = readState(index);
    if (state === undefined && index.scan({ limit: 1 }).length > 0) {
      throw storeFailure("ROW_DAMAGED", { what: "The index holds rows but not the state that they belong to." });
    }
    this.#index = index;
    this.#onApplied = onApplied;
    this.#state = state ?? { group, appliedIndex: 0, term: 0, revision: 0, lastLease: 0, commandBytes: 0 };
    assert(this.#state.group === group, "an Index belongs to one group");
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

  /** Throws ROW_DAMAGED where a row that a command touches is damaged; then nothing of this call has happened. */
  apply(entries: readonly Entry[]): readonly (readonly CommandResult[])[] {
    if (entries.length === 0) return [];
    const batch = new Batch(this.#index, this.#state);
    const results = entries.map(({ index, term, commands }) => {
      assert(index === batch.state.appliedIndex + 1, "entries are applied in order, each once");
      assert(term >= batch.state.term, "terms never go back");
      const answers = commands.map((command) => batch.apply(command));
      batch.endEntry(index, term);
      return answers;
    });
    this.#index.write(batch.changes());
    this.#state = batch.state;
    this.#onApplied(batch.events);
    return results;
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
}
