// A group as a commit over several groups sees it. It may be on this node or behind a wire.

import type {
  AbortCommand,
  DecideCommand,
  FinishCommand,
  ForgetCommand,
  PrepareCommand,
  TransactionName,
} from "../machine/prepared-commands.ts";
import type { Decision, TransactionResult } from "../machine/result.ts";

export type { TransactionName } from "../machine/prepared-commands.ts";
export type { Decision, LockedBy, TransactionResult } from "../machine/result.ts";

export type SentCommand = PrepareCommand | DecideCommand | AbortCommand | FinishCommand | ForgetCommand;

export interface Participant {
  /** Of its group. */
  readonly id: number;
  /** A revision that the group has reached: the highest that this node knows of, or 0. */
  readonly revision: number;
  /**
   * Resolves once the command is durable on a quorum, with what it did. Proposes it at most once: what gets no answer
   * rejects with OUTCOME_UNKNOWN and is never repeated from here. Any other rejection says that nothing was written.
   */
  send(command: SentCommand): Promise<TransactionResult>;
  /** A linearizable read of a decision; undefined where there is none. */
  readDecision(name: TransactionName): Promise<Decision | undefined>;
}

/** Who serves which rows, as far as this node knows. */
export interface Participants {
  /** Of the row under an encoded address. */
  of(row: Uint8Array): Participant;
  /** One of them has said that it does not serve what it was asked for: resolves when `of` may know better. */
  correct?(): Promise<void>;
}
