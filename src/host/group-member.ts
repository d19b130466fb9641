import {
  APPEND_THREAD,
  APPLY_THREAD,
  allMembers,
  type Configuration,
  type Entry as CoreEntry,
  decodeConfChange,
  EMPTY_CONFIGURATION,
  type HardState,
  isMember,
  type Message,
  MessageType,
  RaftNode,
  type Ready,
  type Role,
  type Snapshot,
} from "../core/raft/index.ts";
import { assert } from "../std/assert.ts";
import { EMPTY } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Applier } from "./applier.ts";
import { hostFailure } from "./errors.ts";
import type { GroupObserver, GroupServices } from "./group-services.ts";
import { HandOver, successorOf } from "./hand-over.ts";
import { lostState } from "./members/lost-state.ts";
import { type OnStateLost, startMember } from "./members/member-start.ts";
import { encodeMembers, FOUNDING_TERM, isSole, type Members } from "./members/members.ts";
import type { CoreOptions, GroupLimits } from "./options.ts";
import type { Callers } from "./requests/callers.ts";
import { CommitNews } from "./requests/commit-news.ts";
import { type BatchName, encodeBatch } from "./requests/entry.ts";
import { PassedOn } from "./requests/passed-on.ts";
import { GroupSnapshots } from "./snapshots/group-snapshots.ts";
import type { SnapshotFolder, StoredSnapshot } from "./snapshots/snapshot-folder.ts";
import type { SnapshotProgress } from "./snapshots/snapshot-pull.ts";
import type { StateMachine } from "./state-machine.ts";
import { GroupStorage } from "./storage/group-storage.ts";
import { hardStateAtStart } from "./storage/hard-state.ts";
import type { RaftLogRecord } from "./storage/raft-log.ts";
import { StorageQueue } from "./storage/storage-queue.ts";
import type { SnapshotPiece, SnapshotRequest, UnsafeChange } from "./transport/frame.ts";
import { Witness, WitnessLog } from "./witness.ts";

export interface GroupMemberOptions<Result> {
  readonly id: number;
  readonly machine: StateMachine<Result>;
  readonly folder: SnapshotFolder;
  readonly limits: GroupLimits;
  readonly core: CoreOptions;
  readonly callers: Callers<Result>;
  /** The log is empty or damaged: what this node promised before, if anything, is forgotten. */
  readonly lostDisk: boolean;
  readonly onStateLost: OnStateLost;
  /** Entries up to here were applied once, whatever the stored hard state says. */
  readonly committedAtLeast: number;
  /** Messages for it may come from now on. */
  readonly opened: (member: GroupMember<Result>) => void;
  readonly closed: () => void;
}

interface Opening<Result> extends GroupMemberOptions<Result> {
  readonly members: Members | undefined;
  readonly stored: readonly StoredSnapshot[];
}

/** After a pause: more than any lease or leadership outlasts. */
const TICKS_AT_ONCE_MAX = 1000;
const SNAPSHOT_RETRY_TICKS = 10;
const SNAPSHOT_SERVE_TICKS = 50;
/** A joiner does not follow an older group's log from its beginning: a snapshot also tells it who the members are. */
const FLOOR_INDEX = 2;

/**
 * One member of one group: the core with its storage and machine. A turn takes what callers and peers brought, asks the
 * core what is to be done, and hands that to the disk, the network and the machine.
 */
export class GroupMember<Result> {
  readonly id: number;
  readonly #services: GroupServices;
  readonly #machine: StateMachine<Result>;
  readonly #foundedAt: number;
  readonly node: RaftNode;
  readonly #storage: GroupStorage;
  readonly #queue: StorageQueue;
  readonly #applier: Applier<Result>;
  readonly #news = new CommitNews();
  readonly #callers: Callers<Result>;
  readonly #passedOn: PassedOn;
  readonly #snapshots: GroupSnapshots;
  readonly #witnessLog: WitnessLog;
  readonly observers: Set<GroupObserver> = new Set();
  readonly #replay: { readonly upTo: number } & PromiseWithResolvers<void>;
  readonly #closed: () => void;
  readonly #usesLease: boolean;
  #isOpen = false;
  /** Whatever the machine holds does not count: a snapshot takes its place. */
  #isBlank: boolean;
  #members: { readonly of: Configuration; readonly ids: readonly number[] } | undefined;
  failure: Error | undefined;
  #stopped: Promise<void> | undefined;
  #handOver: HandOver | undefined;

  /**
   * Resolves when the machine holds all that this node knows to be committed. Rejects with COMPACTED or LOG_BEHIND
   * where machine and log do not fit together, with SNAPSHOT_DAMAGED, and as the machine does.
   */
  static async open<Result>(
    services: GroupServices,
    options: GroupMemberOptions<Result>,
  ): Promise<GroupMember<Result>> {
    const { nodeId } = services;
    const { id } = options;
    const onForgotten = (): void => services.onEvent({ kind: "damage-forgotten", group: id });
    const started = await startMember({ ...services, ...options, group: id, onForgotten });
    const { members } = started;
    const group = new GroupMember(services, { ...options, ...started });
    options.opened(group);
    services.wake(id);
    try {
      await group.#replay.promise;
    } catch (error) {
      await group.stop();
      throw error;
    }
    group.#isOpen = true;
    if (members !== undefined && isSole(members, nodeId)) group.node.campaign();
    services.wake(id);
    return group;
  }

  private constructor(services: GroupServices, options: Opening<Result>) {
    const { id, machine, members, stored, core } = options;
    const { log, nodeId } = services;
    const state = log.group(id);
    this.id = id;
    this.#services = services;
    this.#usesLease = core.reads !== undefined && core.reads !== "safe";
    this.#closed = options.closed;
    this.#callers = options.callers;
    this.#passedOn = new PassedOn(services, id);
    this.#machine = machine;
    this.#isBlank = members === undefined;
    this.#foundedAt = members?.foundedAt ?? 0;
    const hardState = hardStateAtStart(state, {
      ...options,
      isSole: members !== undefined && isSole(members, nodeId),
      applied: this.#appliedIndex,
      random: services.random,
    });
    this.#replay = { upTo: hardState?.commit ?? 0, ...Promise.withResolvers<void>() };
    this.#snapshots = this.#makeSnapshots(options, stored);
    this.#witnessLog = new WitnessLog(log, id, (error) => this.#snapshotFailed(error));
    this.#storage = new GroupStorage({
      ...{ log, group: id, hardState, budget: services.cacheBudget },
      configuration: members?.configuration ?? EMPTY_CONFIGURATION,
      // The machine itself may lack entries up to there in an older group, and takes them from the log.
      floor: () => Math.min(FLOOR_INDEX, this.#appliedIndex),
      snapshot: () => this.#snapshots.current(),
      onLoaded: () => this.#loaded(),
      onFailed: (error) => this.#fail(error),
    });
    this.#queue = new StorageQueue({
      ...{ log, group: id, storage: this.#storage, hardState: state.hardState },
      install: (snapshot, newState) => this.#install(snapshot, newState),
      release: (responses) => this.#deliver(responses),
      fail: (error) => this.#fail(error),
    });
    this.#applier = new Applier({
      machine,
      change: (entry) => this.#change(entry),
      applied: (entry, results) => this.#callers.proposals.applied(entry, results),
      done: (responses) => this.#deliver(responses),
      wake: () => services.wake(id),
      fail: (error) => this.#fail(error),
    });
    this.node = new RaftNode({
      ...core,
      ...{ id: nodeId, storage: this.#storage, random: services.random, asyncStorageWrites: true },
      applied: this.#appliedIndex,
      configurationIndex: members?.index ?? 0,
      lostDisk: options.lostDisk,
    });
    if (this.#appliedIndex >= this.#replay.upTo) this.#replay.resolve();
  }

  /** The host's clock has gone on. */
  tick(ticks: number): void {
    if (this.failure !== undefined) return;
    // A leader's lease runs out by all that has passed; the others heard nothing during a pause.
    for (let left = Math.min(ticks, TICKS_AT_ONCE_MAX); left > 0; left--) {
      this.node.tick();
      if (this.node.role !== "leader") break;
    }
    const now = this.#services.tick();
    const ledTerm = this.node.lead === 0 ? 0 : this.node.currentTerm;
    this.#callers.expire(now, ledTerm, () => this.node.explain().change);
    this.#queue.retry();
    this.#snapshots.tick();
    this.#handOver?.tick();
    if (this.node.hasReady || this.#callers.isWaiting) this.#services.wake(this.id);
  }

  /** From another member. */
  receive(message: Message): void {
    if (this.failure !== undefined) return;
    const lost = lostState(message, this.node);
    if (lost !== undefined) this.#fail(lost);
    else if (message.type === MessageType.snapshot && this.#needs(message)) this.#snapshots.fetch(message);
    else if (message.type !== MessageType.propose || this.#passedOn.admits(message, this.node)) this.#step(message);
    if (this.node.hasReady) this.#services.wake(this.id);
  }

  /** Its connection broke: what was sent to it lately may be lost. */
  unreachable(node: number): void {
    if (this.failure !== undefined) return;
    if (this.node.lead === node) this.#callers.proposals.doubt(this.#services.tick());
    this.node.reportUnreachable(node);
  }

  /** Nothing was heard of that node for as long as a leader may be silent: a group that fell silent with it wakes. */
  suspect(node: number): void {
    if (this.failure === undefined && this.node.lead === node && this.node.isQuiescent) this.node.wake();
  }

  get commandsWaiting(): number {
    return this.#callers.proposals.waiting;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** It has been founded, and nobody can count on anything that this member said since. */
  get isUntouched(): boolean {
    const { lastIndex, term, vote } = this.node.status;
    return this.#foundedAt > 0 && lastIndex === this.#foundedAt && term === FOUNDING_TERM && vote === 0;
  }

  get members(): readonly number[] {
    const { configuration } = this.node;
    if (this.#members?.of !== configuration) this.#members = { of: configuration, ids: allMembers(configuration) };
    return this.#members.ids;
  }

  /** Before it closes. */
  async handOver(): Promise<void> {
    const to = this.failure === undefined && this.node.role === "leader" ? successorOf(this.node.status) : 0;
    if (to === 0) return;
    this.#handOver = new HandOver();
    this.node.transferLeadership(to);
    this.#services.wake(this.id);
    await this.#handOver.done;
  }

  refused(batch: BatchName): void {
    this.#callers.proposals.refused(batch, this.#services.tick());
  }

  unsafe(refused: UnsafeChange): void {
    this.#callers.changes.unsafe(refused, refused.why);
  }

  get incomingSnapshot(): SnapshotProgress | undefined {
    return this.#snapshots.incoming;
  }

  serve(from: number, request: SnapshotRequest): void {
    void this.#snapshots.serve(from, request);
  }

  take(from: number, piece: SnapshotPiece): void {
    this.#snapshots.taken(from, piece);
  }

  /** First half of a turn: what is to be written and sent. */
  prepare(): void {
    if (this.failure !== undefined) return;
    if (this.#isOpen) {
      this.#propose();
      // After a pause its lease may be over, which its own clock must have noticed before it answers by it.
      if (this.#callers.reads.isWaiting && this.#usesLease) this.#services.catchUp();
      if (this.#callers.reads.isWaiting && this.node.lead !== 0)
        this.node.readIndex(this.#callers.reads.ask(this.#services.tick()));
    }
    while (this.node.hasReady) this.#take(this.node.ready());
    for (const message of this.#news.endTurn(() => this.#services.wake(this.id))) this.#services.send(this.id, message);
  }

  /** Second half: what is decided. */
  apply(): void {
    if (this.failure !== undefined || !this.#applier.isWaiting) return;
    try {
      this.#applier.run();
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#appliedTo(this.#machine.appliedIndex);
    if (this.#machine instanceof Witness) this.#witnessLog.check(this.#machine.appliedIndex);
    else this.#snapshots.check();
  }

  get #appliedIndex(): number {
    return this.#isBlank ? 0 : this.#machine.appliedIndex;
  }

  #propose(): void {
    const { tick } = this.#services;
    // While nobody leads each try would fail; it is worth one where it wakes the group.
    if (this.node.lead === 0 && !this.node.isQuiescent) return;
    while (this.#callers.proposals.isQueued) {
      const batch = this.#callers.proposals.nextBatch()!;
      try {
        this.node.propose(encodeBatch(batch, batch.commands));
      } catch (error) {
        this.#callers.proposals.putBack(batch);
        if (!hasCode(error, "PROPOSAL_DROPPED")) throw error;
        return;
      }
      if (this.node.role === "leader") batch.index = this.node.lastIndex;
      batch.term = this.node.currentTerm;
      this.#callers.proposals.sent(batch, tick());
    }
  }

  #take(ready: Ready): void {
    const { softState, readStates, messages } = ready;
    if (softState !== undefined) this.#tellLeader(softState.lead, softState.role);
    for (const { context, index } of readStates) this.#callers.reads.answered(context, index, this.#appliedIndex);
    for (const message of messages) {
      if (message.to === APPEND_THREAD) {
        this.#queue.add(message);
      } else if (message.to === APPLY_THREAD) {
        const last = message.entries.at(-1)!.index;
        for (const observer of this.observers) observer.committed?.(last);
        this.#applier.add(message);
      } else {
        if (message.type === MessageType.snapshot) this.#snapshots.offered(message.to, message.snapshot!);
        if (message.type === MessageType.propose) this.#passedOn.sent(message, this.node.currentTerm);
        if (!this.#news.keeps(message)) this.#services.send(this.id, message);
      }
    }
  }

  /** Work is done: what it allows to be sent. */
  #deliver(responses: readonly Message[]): void {
    const { nodeId, send, wake } = this.#services;
    for (const response of responses) {
      if (response.to === nodeId) this.node.step(response);
      else send(this.id, response);
    }
    wake(this.id);
  }

  #step(message: Message): void {
    // As for this node's own reads.
    if (this.#usesLease && message.type === MessageType.readIndex) this.#services.catchUp();
    try {
      this.node.step(message);
    } catch (error) {
      if (hasCode(error, "PROPOSAL_DROPPED")) this.#passedOn.refuse(message);
      else if (!hasCode(error, "PEER_UNKNOWN") && !hasCode(error, "MALFORMED")) throw error;
    }
  }

  /** Whether the message brings a snapshot that this node would take. */
  #needs({ term, snapshot }: Message): boolean {
    const node = this.node;
    if (snapshot === undefined || node.isLost || term < node.currentTerm) return false;
    if (this.#machine instanceof Witness) return false;
    return snapshot.index > this.#appliedIndex && node.term(snapshot.index) !== snapshot.term;
  }

  #change(entry: CoreEntry): Promise<void> {
    const { index } = entry;
    const { log } = this.#services;
    // Fed again after a restart: what came of it is stored already, together with what came of later ones.
    if ((log.group(this.id).configuration?.index ?? 0) >= index) return Promise.resolve();
    const wasMember = this.members.includes(this.#services.nodeId);
    const configuration = this.node.applyConfChange(entry);
    this.#services.onEvent({ kind: "members", group: this.id, index, configuration });
    if (wasMember && !isMember(configuration, this.#services.nodeId))
      this.#services.onEvent({ kind: "member-removed", group: this.id, index });
    this.#services.wake(this.id);
    return this.#queue.marks([this.#membersMark(index, configuration)]).then(() => {
      this.#callers.changes.applied(decodeConfChange(entry.data), configuration);
    });
  }

  #membersMark(index: number, configuration: Configuration): RaftLogRecord {
    const members = { index, foundedAt: this.#foundedAt, configuration };
    return { kind: "configuration", group: this.id, index, bytes: encodeMembers(members) };
  }

  async #install(snapshot: Snapshot, hardState: HardState | undefined): Promise<void> {
    assert(hardState !== undefined && hardState.commit >= snapshot.index, "an installed snapshot is committed");
    const { index, term } = snapshot;
    const group = this.id;
    this.#applier.hold();
    const marks: RaftLogRecord[] = [
      { kind: "snapshot", group, index, term, note: EMPTY },
      this.#membersMark(index, snapshot.configuration),
      { kind: "truncateSuffix", group, fromIndex: index + 1 },
      { kind: "compaction", group, index, term },
      { kind: "hardState", group, ...hardState, commit: index },
    ];
    const machine = this.#machine;
    if (machine instanceof Witness) {
      await this.#queue.marks(marks);
      machine.skipTo(index);
    } else {
      await this.#snapshots.install(snapshot, () => this.#queue.marks(marks));
    }
    this.#isBlank = false;
    this.#callers.proposals.skippedTo(index, term);
    this.#appliedTo(index);
    this.#services.onEvent({ kind: "snapshot-installed", group, index });
    this.#applier.release();
  }

  #appliedTo(index: number): void {
    const { proposals } = this.#callers;
    this.#callers.appliedTo(index);
    if (proposals.settledTerm < this.node.currentTerm) proposals.settle(this.node.term(index) ?? 0);
    if (proposals.isQueued) this.#services.wake(this.id);
    for (const observer of this.observers) observer.applied?.(index);
    if (index >= this.#replay.upTo) this.#replay.resolve();
  }

  #loaded(): void {
    if (this.failure !== undefined) return;
    this.node.entriesLoaded();
    this.#services.wake(this.id);
  }

  #tellLeader(lead: number, role: Role): void {
    if (role !== "leader") this.#handOver?.end();
    this.#services.onEvent({ kind: "leader", group: this.id, lead, role, term: this.node.currentTerm });
    for (const observer of this.observers) observer.leader?.(lead, role);
  }

  #snapshotFailed(error: Error): void {
    if (this.failure === undefined) this.#services.onEvent({ kind: "snapshot-failed", group: this.id, error });
  }

  #makeSnapshots(options: Opening<Result>, stored: readonly StoredSnapshot[]): GroupSnapshots {
    const { id, machine, folder, limits } = options;
    const { log, request, piece, wake, serveBudget } = this.#services;
    return new GroupSnapshots({
      ...{ group: id, log, folder, machine, stored, request, piece, serveBudget },
      limits: {
        logBytesMin: limits.snapshotLogBytesMin,
        retryTicks: SNAPSHOT_RETRY_TICKS,
        serveTicks: SNAPSHOT_SERVE_TICKS,
      },
      configuration: () => this.node.configuration,
      arrived: (message) => {
        if (this.failure !== undefined) return;
        this.#step(message);
        wake(id);
      },
      refused: (to) => {
        this.node.reportSnapshot(to, false);
        wake(id);
      },
      wake: () => wake(id),
      failed: (error) => this.#snapshotFailed(error),
    });
  }

  #fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.#replay.reject(error);
    this.stop(error).catch(() => {});
    if (this.#isOpen) this.#services.onFatal(error);
  }

  /** Resolves when nothing of the group is under way any more. */
  stop(cause?: Error): Promise<void> {
    this.#stopped ??= this.#stop(cause);
    return this.#stopped;
  }

  async #stop(cause?: Error): Promise<void> {
    this.failure ??= hostFailure("STOPPED");
    this.#replay.reject(this.failure);
    this.#handOver?.end();
    this.#closed();
    this.#storage.dropCache();
    this.#applier.stop();
    this.#callers.stop(cause);
    await Promise.all([this.#queue.stop(), this.#snapshots.stop()]);
  }
}
