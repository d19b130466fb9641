import { assert } from "../../std/assert.ts";
import type { ConfChange } from "./conf-change.ts";
import { type Configuration, isJoint } from "./configuration.ts";
import { raftFailure } from "./errors.ts";
import { type Explanation, explain } from "./explain.ts";
import { applyConfChange } from "./membership.ts";
import {
  type Entry,
  EntryType,
  isLocalType,
  isResponseType,
  isStorageThread,
  type Message,
  MessageType,
  newMessage,
  type Role,
} from "./messages.ts";
import { type RaftOptions, resolveOptions } from "./options.ts";
import { type DropReason, proposeConfChange, proposeData } from "./proposals.ts";
import { wake } from "./quiescence.ts";
import { Raft } from "./raft.ts";
import { type Ready, ReadyMaker } from "./ready.ts";
import { changed } from "./reconfiguration.ts";
import { sendAppends } from "./replication.ts";
import { type RaftStatus, statusOf } from "./status.ts";
import { step, tick } from "./step.ts";
import { changeHazard } from "./strict.ts";

/**
 * One member of a Raft group, without any input or output of its own; outside it is called `RaftCore`. Its owner feeds it messages, ticks
 * and proposals, and does what each Ready says. Nothing here waits, and no call keeps what it was given except entries and messages.
 * Ids, terms and indexes are whole numbers up to 2^53 - 1, times are ticks of the owner, sizes bytes.
 *
 * It decides as etcd-io/raft 3.7 does: the Raft paper's protocol (Ongaro and Ousterhout, 2014) with pre-vote, check-quorum, joint
 * consensus, learners, leadership transfer and ReadIndex from Ongaro's dissertation (chapters 3, 4, 6 and 9), and witnesses.
 */
export class RaftNode {
  readonly #raft: Raft;
  readonly #readyMaker: ReadyMaker;

  /** Throws OPTIONS_INVALID. */
  constructor(options: RaftOptions) {
    this.#raft = new Raft(resolveOptions(options));
    this.#readyMaker = new ReadyMaker(this.#raft);
  }

  get id(): number {
    return this.#raft.id;
  }

  /** What the node is in its present term. */
  get role(): Role {
    return this.#raft.role;
  }

  /** Who leads, as far as this node knows; 0 for nobody. */
  get lead(): number {
    return this.#raft.lead;
  }

  /** It only grows, and is stored before anything is said in it. */
  get currentTerm(): number {
    return this.#raft.term;
  }

  /** Of the log, whether stored already or not. */
  get committedIndex(): number {
    return this.#raft.log.committed;
  }

  get lastIndex(): number {
    return this.#raft.log.lastIndex;
  }

  /** The group fell silent for lack of work: no heartbeats, and no elections for their lack. */
  get isQuiescent(): boolean {
    return this.#raft.isQuiescent;
  }

  /** It lost its disk, and the group has not taken it back yet. */
  get isLost(): boolean {
    return this.#raft.isLost;
  }

  /** The members, as of the newest change that `applyConfChange` was given. */
  get configuration(): Configuration {
    return this.#raft.configuration;
  }

  /** Nobody else decides, and all that is decided is applied: whatever anybody was told is in the state machine. */
  get isAloneAndCurrent(): boolean {
    const { role, tracker, log, hasCommittedInTerm } = this.#raft;
    return role === "leader" && tracker.isSingleton && log.applied === log.committed && hasCommittedInTerm;
  }

  /** One tick of the owner's clock: a tenth of the shortest election timeout by default. */
  tick(): void {
    tick(this.#raft);
  }

  /** Stands for election now. */
  campaign(): void {
    step(this.#raft, newMessage(MessageType.hup, this.#raft.id));
  }

  /** Throws PROPOSAL_DROPPED. That nothing is thrown does not mean that it will be committed. */
  propose(data: Uint8Array): void {
    this.proposeAll([data]);
  }

  /** Proposals in one batch, all or none: one append and one message to each follower for all of them. */
  proposeAll(datas: readonly Uint8Array[]): void {
    if (datas.length === 0) return;
    wake(this.#raft);
    dropped(this.#raft.isLost ? "no-leader" : proposeData(this.#raft, datas));
  }

  /**
   * Throws PROPOSAL_DROPPED, and CHANGE_INVALID where this node leads and the change can not be made in its configuration. One that comes
   * too early, while another one is under way, is committed as an entry that does nothing: `explain` says why. With `single` it keeps the
   * older form of one change of one member.
   */
  proposeConfChange(conf: ConfChange, form: "single" | "any" = "any"): void {
    assert(form === "any" || (conf.changes.length === 1 && conf.transition === "auto"), "one change is a single one");
    wake(this.#raft);
    const raft = this.#raft;
    const isPending = raft.pendingChangeIndex > raft.log.applied || isJoint(raft.configuration);
    if (raft.role === "leader" && !isPending && conf.changes.length > 0) changed(raft.configuration, conf);
    dropped(proposeConfChange(raft, conf, form === "single" ? EntryType.confChange : EntryType.confChangeV2));
  }

  /**
   * Why the group might stand still behind the change: where the members that this node, leading, hears of would be no
   * quorum any more. Undefined where they would. `isSilent` tells of nodes that are known to be away.
   */
  changeHazard(conf: ConfChange, isSilent: (id: number) => boolean = () => false): string | undefined {
    return changeHazard(this.#raft, conf, isSilent);
  }

  /** For each committed change, when the entry is applied: returns the configuration to keep with the state. Throws MALFORMED. */
  applyConfChange(entry: Entry): Configuration {
    return applyConfChange(this.#raft, entry);
  }

  /** A message from a peer, or from this node's own threads. Throws MESSAGE_LOCAL, PEER_UNKNOWN, MALFORMED and PROPOSAL_DROPPED. */
  step(message: Message): void {
    const { type, from } = message;
    if (!isStorageThread(from)) {
      if (isLocalType(type)) throw raftFailure("MESSAGE_LOCAL", { data: { type, from } });
      if (isResponseType(type) && this.#raft.tracker.progress(from) === undefined) {
        throw raftFailure("PEER_UNKNOWN", { data: { type, from } });
      }
    }
    dropped(step(this.#raft, message));
  }

  /** Whether there is anything to do: worth a look after each call that feeds it. */
  get hasReady(): boolean {
    return this.#readyMaker.hasReady;
  }

  /** What is to be done now, in the order that Ready says. Without asynchronous storage writes `advance` comes before the next one. */
  ready(): Ready {
    return this.#readyMaker.ready();
  }

  /** All that the last Ready said is done. */
  advance(): void {
    this.#readyMaker.advance();
  }

  /** Asks for an index that a linearizable read must wait for; it comes as a ReadState with the same context, or never. */
  readIndex(context: Uint8Array): void {
    const message = newMessage(MessageType.readIndex, this.#raft.id);
    message.entries = [{ term: 0, index: 0, type: EntryType.normal, data: context }];
    step(this.#raft, message);
  }

  /** Asks the leader, from any node, to let another one lead. */
  transferLeadership(to: number): void {
    const message = newMessage(MessageType.transferLeader, this.#raft.id);
    message.from = to;
    step(this.#raft, message);
  }

  /** A follower that knows its leader to be gone may vote for another one at once. */
  forgetLeader(): void {
    step(this.#raft, newMessage(MessageType.forgetLeader, this.#raft.id));
  }

  /** What was sent to the node last may be lost. */
  reportUnreachable(id: number): void {
    const message = newMessage(MessageType.unreachable, this.#raft.id);
    message.from = id;
    step(this.#raft, message);
  }

  /** Whether the snapshot reached the node; without a report the leader waits for it for ever. */
  reportSnapshot(id: number, isReceived: boolean): void {
    const message = newMessage(MessageType.snapshotStatus, this.#raft.id);
    message.from = id;
    message.reject = !isReceived;
    step(this.#raft, message);
  }

  /** Ends a group's silence: the machine of its leader was seen to fail, or something is expected of it. */
  wake(): void {
    wake(this.#raft);
  }

  /** The storage has what it called pending: goes on where that was needed. */
  entriesLoaded(): void {
    const raft = this.#raft;
    raft.log.readFinished();
    if (raft.role !== "leader") return;
    for (const progress of raft.tracker.members) if (progress.id !== raft.id) sendAppends(raft, progress);
  }

  /** The term of an entry of the log, stored already or not; undefined where the log does not hold it. */
  term(index: number): number | undefined {
    return this.#raft.log.term(index);
  }

  /** A copy of all that it knows, progress of each member included. */
  get status(): RaftStatus {
    return statusOf(this.#raft);
  }

  /** Why there is no leader, who lags and why, what a change waits for. */
  explain(): Explanation {
    return explain(this.#raft);
  }

  /** For tests that want a certain order of elections; holds until the node's role changes. */
  set electionTicks(ticks: number) {
    this.#raft.randomizedElectionTicks = ticks;
  }
}

function dropped(reason: DropReason | undefined): void {
  if (reason !== undefined) throw raftFailure("PROPOSAL_DROPPED", { data: { reason } });
}
