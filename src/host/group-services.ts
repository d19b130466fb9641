import type { Configuration, Message, Role } from "../core/raft/index.ts";
import type { BatchName } from "./requests/entry.ts";
import type { HostBugs } from "./seeded-bugs.ts";
import type { ServeBudget } from "./snapshots/serve-budget.ts";
import type { CacheBudget } from "./storage/cache-budget.ts";
import type { RaftLog } from "./storage/raft-log.ts";
import type { SnapshotPiece, SnapshotRequest, UnsafeChange } from "./transport/frame.ts";

/** What a group needs of its host. */
export interface GroupServices {
  readonly nodeId: number;
  /** Drawn at the host's start. */
  readonly life: number;
  readonly log: RaftLog;
  readonly cacheBudget: CacheBudget;
  readonly serveBudget: ServeBudget;
  /** In [0, 1). */
  readonly random: () => number;
  /** Of the host's clock. */
  readonly tick: () => number;
  /** Counts at once the ticks that have passed and were not counted yet. */
  readonly catchUp: () => void;
  /** The group has work for a turn. */
  readonly wake: (group: number) => void;
  readonly send: (group: number, message: Message) => void;
  readonly request: (to: number, request: SnapshotRequest) => void;
  readonly piece: (to: number, piece: SnapshotPiece) => void;
  readonly refuse: (to: number, group: number, batch: BatchName) => void;
  readonly refuseChange: (to: number, group: number, refused: UnsafeChange) => void;
  /** Nothing was heard of the node for as long as a leader may be silent. */
  readonly isSilent: (node: number) => boolean;
  readonly onEvent: (event: GroupEvent) => void;
  readonly bugs: HostBugs;
  /** The group has failed for good: the node must stop. */
  readonly onFatal: (error: Error) => void;
}

export type GroupEvent = { readonly group: number } & (
  | { readonly kind: "leader"; readonly lead: number; readonly role: Role; readonly term: number }
  | { readonly kind: "members"; readonly index: number; readonly configuration: Configuration }
  | { readonly kind: "snapshot-installed"; readonly index: number }
  /** The group has removed this node. */
  | { readonly kind: "member-removed"; readonly index: number }
  /** Part of the log, or the state that it goes on from, could not be read: the group is fetched anew from its other members. */
  | { readonly kind: "damage-forgotten" }
  | { readonly kind: "snapshot-failed"; readonly error: Error }
);

export interface GroupObserver {
  /** Who leads has changed, as far as this node knows; 0 is nobody. */
  leader?(lead: number, role: Role): void;
  /** Entries up to the index are decided and durable here, and not applied yet. */
  committed?(index: number): void;
  applied?(index: number): void;
}
