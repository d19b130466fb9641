import type { Configuration, Message, Role } from "../core/raft/index.ts";
import type { CacheBudget } from "./cache-budget.ts";
import type { BatchName } from "./entry.ts";
import type { SnapshotPiece, SnapshotRequest } from "./frame.ts";
import type { RaftLog } from "./raft-log.ts";
import type { ServeBudget } from "./serve-budget.ts";

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
  readonly onEvent: (event: GroupEvent) => void;
  /** The group has failed for good: the node must stop. */
  readonly onFatal: (error: Error) => void;
}

export type GroupEvent = { readonly group: number } & (
  | { readonly kind: "leader"; readonly lead: number; readonly role: Role; readonly term: number }
  | { readonly kind: "members"; readonly index: number; readonly configuration: Configuration }
  | { readonly kind: "snapshot-installed"; readonly index: number }
  /** The group has removed this node. */
  | { readonly kind: "member-removed"; readonly index: number }
  /** Part of the log could not be read: the group is fetched anew from its other members. */
  | { readonly kind: "damage-forgotten" }
  | { readonly kind: "snapshot-failed"; readonly error: Error }
);
