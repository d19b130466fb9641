import { assert } from "../../std/assert.ts";
import {
  APPEND_THREAD,
  APPLY_THREAD,
  type Entry,
  entriesBytes,
  type HardState,
  type Message,
  MessageType,
  newMessage,
  type ReadState,
  type Snapshot,
  type SoftState,
} from "./messages.ts";
import type { Raft } from "./raft.ts";
import { step } from "./step.ts";

/**
 * What the owner has to do now, in this order:
 *
 * 1. write `hardState`, `entries` and `snapshot` to disk, and sync where `mustSync` says so, and a snapshot in any case;
 * 2. send `messages`; those that are no promise (appends and heartbeats of a leader) may leave before 1 is done;
 * 3. give `snapshot`, then `committedEntries` to the state machine, and each change of membership back to `applyConfChange`;
 * 4. call `advance`.
 *
 * With asynchronous storage writes steps 1 and 3 are messages to APPEND_THREAD and APPLY_THREAD, done in their order by each; their
 * `responses` go out as soon as the work is done, and there is no `advance`: the next Ready may be taken at once.
 */
export interface Ready {
  readonly mustSync: boolean;
  /** Only where it has changed; nothing to store. */
  readonly softState: SoftState | undefined;
  readonly hardState: HardState | undefined;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | undefined;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
}

/** Makes one Ready after the other: knows what the owner was told last, and what waits for it to say that it is done. */
export class ReadyMaker {
  readonly #raft: Raft;
  readonly #isAsync: boolean;
  #softState: SoftState;
  #hardState: HardState;
  #onAdvance: Message[] = [];
  #isAccepted = false;

  constructor(raft: Raft) {
    this.#raft = raft;
    this.#isAsync = raft.options.asyncStorageWrites;
    this.#softState = { lead: raft.lead, role: raft.role };
    const { hardState } = raft.options.storage;
    // A loss that is found now must be remembered.
    this.#hardState = {
      ...raft.hardState,
      incarnation: hardState?.incarnation ?? 0,
      isLost: hardState?.isLost ?? false,
    };
  }

  get hasReady(): boolean {
    const raft = this.#raft;
    const { unstable } = raft.log;
    return (
      raft.messages.length > 0 ||
      raft.messagesAfterAppend.length > 0 ||
      unstable.hasNext ||
      raft.log.hasNextCommitted(!this.#isAsync) ||
      unstable.nextSnapshot !== undefined ||
      raft.readStates.length > 0 ||
      this.#isSoftStateNew ||
      this.#isHardStateNew
    );
  }

  ready(): Ready {
    const raft = this.#raft;
    assert(!this.#isAccepted, "a Ready is advanced before the next one is taken");
    const previous = this.#hardState;
    const entries = raft.log.unstable.nextEntries();
    const committedEntries = raft.log.nextCommitted(!this.#isAsync);
    const snapshot = raft.log.unstable.nextSnapshot;
    const softState = this.#isSoftStateNew ? { lead: raft.lead, role: raft.role } : undefined;
    const hardState = this.#isHardStateNew ? raft.hardState : undefined;
    const mustSync =
      entries.length > 0 ||
      raft.votePersisted !== previous.vote ||
      raft.term !== previous.term ||
      raft.incarnation !== previous.incarnation ||
      raft.isLost !== previous.isLost;
    const work: StorageWork = { hardState, entries, snapshot, committedEntries };
    const messages = this.#isAsync ? this.#asyncMessages(work) : this.#syncMessages(work);
    const { readStates } = raft;
    if (softState !== undefined) this.#softState = softState;
    if (hardState !== undefined) this.#hardState = hardState;
    if (readStates.length > 0) raft.readStates = [];
    raft.messages = [];
    raft.messagesAfterAppend = [];
    raft.log.unstable.acceptInProgress();
    if (committedEntries.length > 0) {
      const last = committedEntries.at(-1)!.index;
      raft.log.acceptApplying(last, entriesBytes(committedEntries), !this.#isAsync);
    }
    return { mustSync, softState, hardState, readStates, entries, snapshot, committedEntries, messages };
  }

  advance(): void {
    assert(!this.#isAsync, "with asynchronous storage writes the responses say what is done");
    const messages = this.#onAdvance;
    this.#onAdvance = [];
    this.#isAccepted = false;
    for (const message of messages) step(this.#raft, message);
  }

  get #isSoftStateNew(): boolean {
    return this.#softState.lead !== this.#raft.lead || this.#softState.role !== this.#raft.role;
  }

  get #isHardStateNew(): boolean {
    const { term, vote, commit, incarnation, isLost } = this.#hardState;
    const raft = this.#raft;
    if (term !== raft.term || vote !== raft.votePersisted || commit !== raft.log.committed) return true;
    return incarnation !== raft.incarnation || isLost !== raft.isLost;
  }

  /** What waits for the disk goes out with the rest, as the owner writes before it sends; what is for this node waits for `advance`. */
  #syncMessages(work: StorageWork): readonly Message[] {
    const raft = this.#raft;
    const messages = raft.messages;
    for (const message of raft.messagesAfterAppend) {
      if (message.to === raft.id) this.#onAdvance.push(message);
      else messages.push(message);
    }
    if (this.#needsAppendResponse(work)) this.#onAdvance.push(this.#appendResponse(work));
    if (work.committedEntries.length > 0) this.#onAdvance.push(this.#applyResponse(work));
    this.#isAccepted = true;
    return messages;
  }

  #asyncMessages(work: StorageWork): readonly Message[] {
    const raft = this.#raft;
    const messages = raft.messages;
    const { hardState, entries, snapshot, committedEntries } = work;
    const waiting = raft.messagesAfterAppend;
    if (entries.length > 0 || hardState !== undefined || snapshot !== undefined || waiting.length > 0) {
      const append = newMessage(MessageType.storageAppend, APPEND_THREAD);
      append.from = raft.id;
      append.entries = entries;
      append.snapshot = snapshot;
      if (hardState !== undefined) {
        append.term = hardState.term;
        append.vote = hardState.vote;
        append.commit = hardState.commit;
        append.hardState = hardState;
      }
      if (this.#needsAppendResponse(work)) waiting.push(this.#appendResponse(work));
      append.responses = waiting;
      messages.push(append);
    }
    if (committedEntries.length > 0) {
      const apply = newMessage(MessageType.storageApply, APPLY_THREAD);
      apply.from = raft.id;
      apply.entries = committedEntries;
      apply.responses = [this.#applyResponse(work)];
      messages.push(apply);
    }
    return messages;
  }

  /** Also while earlier entries are being written: their own response may be refused because the term has changed since. */
  #needsAppendResponse(work: StorageWork): boolean {
    return !this.#raft.log.unstable.isEmpty || work.snapshot !== undefined;
  }

  /**
   * Says that all up to the last entry is on disk. It carries the node's term at the time of the write, and is passed over in a later one:
   * the entries might have been replaced meanwhile, and replaced again by the same ones, which are then not on disk.
   */
  #appendResponse(work: StorageWork): Message {
    const raft = this.#raft;
    const response = newMessage(MessageType.storageAppendResponse, raft.id);
    response.from = APPEND_THREAD;
    response.term = raft.term;
    if (!raft.log.unstable.isEmpty) {
      response.index = raft.log.lastIndex;
      response.logTerm = raft.log.lastTerm;
    }
    response.snapshot = work.snapshot;
    return response;
  }

  #applyResponse(work: StorageWork): Message {
    const response = newMessage(MessageType.storageApplyResponse, this.#raft.id);
    response.from = APPLY_THREAD;
    response.entries = work.committedEntries;
    return response;
  }
}

interface StorageWork {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | undefined;
  readonly committedEntries: readonly Entry[];
}
