// What the state machine tells of the commands that it has applied.

import type { LeaseId } from "../store.ts";
import type { KeyInterval } from "./range-state.ts";

/** What one commit (or one step of a lease's end) changed, in the order of its writes. */
export interface CommitEvent {
  readonly revision: number;
  /** Of the rows, where a commit over several groups gave them another one than this group's. */
  readonly rowRevision?: number;
  readonly changes: readonly RowChange[];
  /** Instead of changes: from here on these keys are another group's. */
  readonly moved?: KeyInterval;
}

export interface RowChange {
  /** The encoded address. */
  readonly key: Uint8Array;
  /** Undefined: deleted. */
  readonly value: Uint8Array | undefined;
}

/** What a command made of a lease, for whoever times leases. */
export type LeaseChange =
  | { readonly kind: "granted"; readonly lease: LeaseId; readonly ttlMillis: number }
  /** It is over now; unless `done`, further commands have to delete what it holds. */
  | { readonly kind: "over"; readonly lease: LeaseId; readonly done: boolean };
