import { assert } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { type Configuration, isVoter } from "./configuration.ts";
import { RaftLog } from "./log.ts";
import {
  type Entry,
  type HardState,
  type Message,
  MessageType,
  NONE,
  newMessage,
  payloadBytes,
  type ReadState,
  type Role,
} from "./messages.ts";
import type { ResolvedOptions } from "./options.ts";
import { ReadQueue } from "./read-queue.ts";
import type { RaftBug } from "./seeded-bugs.ts";
import { Tracker } from "./tracker.ts";

/**
 * The state of one node. Roles change only in the become methods; what each role does with a message stands in the files beside this one,
 * which share this object and nothing else. `messages` may leave at once; `messagesAfterAppend` promise something that must be on disk
 * first: a vote, or entries.
 */
export class Raft {
  readonly id: number;
  readonly options: ResolvedOptions;
  readonly log: RaftLog;
  readonly tracker: Tracker;

  term = 0;
  vote: number = NONE;
  role: Role = "follower";
  lead: number = NONE;
  /** Changes with each loss of the disk. */
  incarnation = 0;
  isLost = false;

  messages: Message[] = [];
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];

  leadTransferee: number = NONE;
  /** No other change of membership is proposed before this index is applied. */
  pendingChangeIndex = 0;
  /** The configuration is as of here: an older change is part of it already. */
  configurationIndex: number;
  uncommittedBytes = 0;
  readQueue: ReadQueue = new ReadQueue();
  /** Reads that came before the leader had committed anything in its term. */
  earlyReads: Message[] = [];

  electionElapsed = 0;
  heartbeatElapsed = 0;
  randomizedElectionTicks = 0;
  /** Ticks for which a restarted node refuses to vote, because its last vote of confidence may still serve lease reads. */
  voteHoldTicks = 0;

  /** Ticks of the present leadership, from the number that no heartbeat carries: 0. */
  ticks = 0;
  /** Another member was told to stand for election at once: no lease holds any more in this term. */
  isLeaseBroken = false;
  isQuiescent = false;
  idleTicks = 0;
  idleSinceIndex = 0;

  constructor(options: ResolvedOptions) {
    const { storage } = options;
    this.id = options.id;
    this.options = options;
    this.log = new RaftLog(storage, options.applyingBytesMax);
    this.tracker = new Tracker(options);
    this.tracker.switchTo(storage.configuration, this.log.lastIndex);
    const { hardState } = storage;
    if (hardState !== undefined) {
      this.log.loadCommitted(Math.max(hardState.commit, this.log.committed));
      this.term = hardState.term;
      this.vote = hardState.vote;
      this.incarnation = hardState.incarnation;
      this.isLost = hardState.isLost;
    }
    if (options.lostDisk && hardState === undefined && !this.hasBug("vote-after-lost-disk")) {
      this.incarnation = 1 + Math.floor(options.random() * 0xffff_fffe);
      this.isLost = true;
    }
    this.configurationIndex = Math.max(options.configurationIndex, options.applied, this.log.applied);
    if (options.applied > this.log.committed) {
      // The commit index is stored without haste: what was applied was committed.
      this.log.loadCommitted(options.applied);
    }
    this.log.appliedTo(Math.max(options.applied, this.log.applied), 0);
    if (this.term > 0 && options.reads !== "safe") this.voteHoldTicks = options.electionTicks;
    this.becomeFollower(this.term, NONE);
  }

  /** Whether a seeded bug is switched on. */
  hasBug(bug: RaftBug): boolean {
    return this.options.bugs?.has(bug) === true;
  }

  /** As it is to be found after a restart. */
  get votePersisted(): number {
    return this.hasBug("vote-without-persisting") ? NONE : this.vote;
  }

  get hardState(): HardState {
    return {
      term: this.term,
      vote: this.votePersisted,
      commit: this.log.committed,
      incarnation: this.incarnation,
      isLost: this.isLost,
    };
  }

  get configuration(): Configuration {
    return this.tracker.configuration;
  }

  get isWitness(): boolean {
    return this.tracker.progress(this.id)?.isWitness === true;
  }

  /** Whether the node may stand for election. */
  get isPromotable(): boolean {
    const own = this.tracker.progress(this.id);
    if (own === undefined || own.isLearner || this.isLost) return false;
    if (own.isWitness && !this.hasBug("lead-as-witness")) return false;
    return isVoter(this.configuration, this.id) && this.log.unstable.snapshot === undefined;
  }

  get hasCommittedInTerm(): boolean {
    return this.log.matches(this.log.committed, this.term);
  }

  send(message: Message): void {
    if (message.from === NONE) message.from = this.id;
    const { type } = message;
    switch (type) {
      case MessageType.vote:
      case MessageType.voteResponse:
      case MessageType.preVote:
      case MessageType.preVoteResponse:
        // The term of a campaign, or of the one that is answered: not always the node's own.
        assert(message.term !== 0, "a message of an election says its term");
        break;
      case MessageType.propose:
      case MessageType.readIndex:
        // Passed on to a leader, whose term does not matter.
        break;
      case MessageType.appendResponse:
        message.term = this.term;
        message.incarnation = this.incarnation;
        break;
      default:
        message.term = this.term;
    }
    const waits = !(
      this.hasBug("acknowledge-before-disk") &&
      type === MessageType.appendResponse &&
      message.to !== this.id
    );
    if (
      (type === MessageType.appendResponse && waits) ||
      type === MessageType.voteResponse ||
      type === MessageType.preVoteResponse
    ) {
      this.messagesAfterAppend.push(message);
    } else {
      assert(message.to !== this.id, "a node sends itself only what waits for its disk");
      this.messages.push(message);
    }
  }

  becomeFollower(term: number, lead: number): void {
    this.#reset(term);
    this.lead = lead;
    this.role = "follower";
  }

  becomeCandidate(): void {
    assert(this.role !== "leader", "a leader does not stand for election");
    this.#reset(this.term + 1);
    this.vote = this.id;
    this.role = "candidate";
  }

  /** Neither the term nor the vote changes. */
  becomePreCandidate(): void {
    assert(this.role !== "leader", "a leader does not stand for election");
    this.tracker.resetVotes();
    this.lead = NONE;
    this.role = "pre-candidate";
  }

  becomeLeader(): void {
    assert(this.role !== "follower", "a follower stands for election before it leads");
    this.#reset(this.term);
    this.lead = this.id;
    this.role = "leader";
    const own = this.tracker.progress(this.id)!;
    own.becomeReplicate();
    own.recentActive = true;
    // A change of membership may wait anywhere in the log; rather than look, nothing is proposed before all of it is applied.
    this.pendingChangeIndex = this.log.lastIndex;
    // An entry of its own term is what a leader can commit by counting, and all before it.
    const isTaken = this.appendEntries([{ term: this.term, index: this.log.lastIndex + 1, type: 0, data: EMPTY }]);
    assert(isTaken, "the first entry of a term has no size");
  }

  /** Entries carry the term and the next indexes already. False where too much is uncommitted. */
  appendEntries(entries: readonly Entry[]): boolean {
    const bytes = payloadBytes(entries);
    // One proposal always fits, however large, and one without data in any case.
    if (this.uncommittedBytes > 0 && bytes > 0 && this.uncommittedBytes + bytes > this.options.uncommittedBytesMax) {
      return false;
    }
    this.uncommittedBytes += bytes;
    this.log.append(entries);
    const response = newMessage(MessageType.appendResponse, this.id);
    response.index = this.log.lastIndex;
    this.send(response);
    return true;
  }

  reduceUncommitted(bytes: number): void {
    this.uncommittedBytes = Math.max(0, this.uncommittedBytes - bytes);
  }

  get isPastElectionTimeout(): boolean {
    return this.electionElapsed >= this.randomizedElectionTicks;
  }

  resetElectionTimeout(): void {
    const { electionTicks, random } = this.options;
    this.randomizedElectionTicks = electionTicks + Math.floor(random() * electionTicks);
  }

  #reset(term: number): void {
    if (this.term !== term) {
      assert(term > this.term, "a term only grows");
      this.term = term;
      this.vote = NONE;
    }
    this.lead = NONE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.resetElectionTimeout();
    this.leadTransferee = NONE;
    this.tracker.resetVotes();
    this.tracker.resetProgress(this.id, this.log.lastIndex);
    this.pendingChangeIndex = 0;
    this.uncommittedBytes = 0;
    this.readQueue = new ReadQueue();
    this.earlyReads = [];
    this.isQuiescent = false;
    this.idleTicks = 0;
    this.isLeaseBroken = false;
  }
}
