import { type Configuration, configurationOf, type Explanation } from "../core/raft/index.ts";
import type { Timer } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { hasCode } from "../std/errors.ts";
import { hostFailure } from "./errors.ts";
import type { GroupMember } from "./group-member.ts";
import type { GroupEvent, GroupServices } from "./group-services.ts";
import { HostedGroup } from "./hosted-group.ts";
import { forgetGroup } from "./members/forget-group.ts";
import { Founding } from "./members/founding.ts";
import { forgetGroupState, type OnStateLost } from "./members/member-start.ts";
import { decodeMembers, encodeMembers, FOUNDING_INDEX, FOUNDING_TERM, isSole, soleMember } from "./members/members.ts";
import { proveMembership } from "./members/membership-proof.ts";
import { type CoreOptions, GROUP_DEFAULTS, type GroupLimits, HOST_DEFAULTS, type HostLimits } from "./options.ts";
import { type HostBugs, NO_HOST_BUGS } from "./seeded-bugs.ts";
import { appended } from "./snapshots/group-snapshots.ts";
import { ServeBudget } from "./snapshots/serve-budget.ts";
import { SnapshotFolder } from "./snapshots/snapshot-folder.ts";
import type { SnapshotProgress } from "./snapshots/snapshot-pull.ts";
import type { StateMachine } from "./state-machine.ts";
import { CacheBudget } from "./storage/cache-budget.ts";
import type { RaftLog } from "./storage/raft-log.ts";
import type { RaftEnv, SnapshotDisk } from "./storage/raft-storage.ts";
import { type FrameHandler, type Holding, mayCome, readFrame } from "./transport/frame.ts";
import { Outbox } from "./transport/outbox.ts";
import { PeerLives } from "./transport/peer-lives.ts";
import type { Transport } from "./transport/transport.ts";
import { Witness } from "./witness.ts";

export interface RaftHostOptions {
  readonly nodeId: number;
  readonly env: RaftEnv & { readonly disk: SnapshotDisk };
  /** Shared by all groups. It stays its owner's, as the transport does. */
  readonly log: RaftLog;
  /** Undefined where all groups are groups of one. */
  readonly transport?: Transport;
  /** Folder for groups' snapshots. Default: `raft`. */
  readonly folder?: string;
  readonly limits?: Partial<HostLimits>;
  /** Called once if a group fails on what is decided or durable: the node must stop. Default: throws. */
  readonly onFatal?: (error: Error) => void;
  readonly onEvent?: (event: GroupEvent) => void;
  /** For tests of simulators. */
  readonly bugs?: HostBugs;
}

export interface OpenGroupOptions<Result> {
  readonly id: number;
  readonly machine: StateMachine<Result>;
  /**
   * The members that a new group begins with, the same on all of them; once the log knows the group it is not looked
   * at. Without it, or where this node is not among them, an empty log is one of a node that joins: its leader brings
   * it up to date.
   */
  readonly founders?: Partial<Configuration>;
  /**
   * An empty log is one of an id that no node of the group ever had: it promised nothing that could be forgotten.
   * Without it a node that joins is taken for one that lost its disk, which can be a learner first, and no witness.
   */
  readonly isNewId?: boolean;
  readonly limits?: Partial<GroupLimits>;
  readonly core?: CoreOptions;
  /**
   * Where machine and snapshots do not give the state that the log goes on from: `rejoin` makes this node a member that
   * lost its disk, if the others are a quorum. Default: `refuse`, for an owner that may have the state from elsewhere.
   */
  readonly onStateLost?: OnStateLost;
  /** Entries that were certainly applied once, for example by what a checkpoint says. */
  readonly committedAtLeast?: number;
}

export interface HostCounters {
  turns: number;
  framesSent: number;
  framesDropped: number;
  framesReceived: number;
  framesRefused: number;
  /** Parts for groups that are not here. */
  partsUnknown: number;
  /** Messages that their sender can not have made. */
  messagesRefused: number;
  /** Changes of who leads a group, as this node saw them. */
  leaderChanges: number;
  snapshotsInstalled: number;
  snapshotsFailed: number;
}

/** How the groups of a node are now, all together. */
export interface HostGauges {
  readonly groups: number;
  readonly groupsLed: number;
  readonly groupsLeaderless: number;
  /** Entries that are decided and not applied yet. */
  readonly entriesUnapplied: number;
  /** Commands of this node's callers that wait for their outcome. */
  readonly commandsWaiting: number;
}

/**
 * Drives all groups of a node. In one turn of the event loop it takes what callers and peers brought for any of them,
 * sends what may leave at once, appends everything to the log in one write with one sync, and applies what is
 * decided.
 */
export class RaftHost implements AsyncDisposable {
  readonly nodeId: number;
  readonly counters: HostCounters = {
    ...{ turns: 0, framesSent: 0, framesDropped: 0, framesReceived: 0 },
    ...{ framesRefused: 0, partsUnknown: 0, messagesRefused: 0 },
    ...{ leaderChanges: 0, snapshotsInstalled: 0, snapshotsFailed: 0 },
  };
  readonly #options: RaftHostOptions;
  readonly #limits: HostLimits;
  readonly #services: GroupServices;
  readonly #outbox: Outbox;
  readonly #lives = new PeerLives();
  /** What takes a node's frames in, by node. */
  readonly #handlers = new Map<number, FrameHandler>();
  readonly #groups = new Map<number, GroupMember<unknown>>();
  readonly #foundings = new Map<number, Founding>();
  readonly #opening = new Map<number, Promise<unknown>>();
  /** Of groups, all together. */
  #openings = 0;
  #due = new Set<number>();
  #isTurnPlanned = false;
  #ticks = 0;
  #tickedAtMillis: number;
  #timer: Timer | undefined;
  #isClosed = false;

  static async start(options: RaftHostOptions): Promise<RaftHost> {
    const host = new RaftHost(options);
    await options.transport?.start({
      receive: (from, frame) => host.#receive(from, frame),
      unreachable: (node) => host.#unreachable(node),
    });
    return host;
  }

  private constructor(options: RaftHostOptions) {
    const { env, nodeId, log, onFatal = rethrow, bugs = NO_HOST_BUGS } = options;
    const onEvent = (event: GroupEvent): void => {
      this.#count(event);
      options.onEvent?.(event);
    };
    const { random } = env;
    const life = 1 + random.u32() + (random.u32() & 0xffff) * 0x1_0000_0000;
    this.nodeId = nodeId;
    this.#options = options;
    this.#limits = { ...HOST_DEFAULTS, ...options.limits };
    this.#outbox = new Outbox(life, this.#limits.frameBytes, (to, frame) => this.#send(to, frame));
    this.#services = {
      ...{ nodeId, life, log, onEvent, onFatal, bugs },
      cacheBudget: new CacheBudget(this.#limits.cacheBytesMax),
      serveBudget: new ServeBudget(this.#limits.snapshotBytesPerTick),
      random: () => random.u32() / 0x1_0000_0000,
      tick: () => this.#ticks,
      catchUp: () => this.#catchUp(),
      wake: (group) => this.#wake(group),
      send: (group, message) => this.#outbox.to(message.to).message(group, message),
      request: (to, request) => this.#put(to, (writer) => writer.request(request)),
      piece: (to, piece) => this.#put(to, (writer) => writer.piece(piece)),
      refuse: (to, group, batch) => this.#put(to, (writer) => writer.refusal(group, batch)),
      refuseChange: (to, group, refused) => this.#put(to, (writer) => writer.unsafe(group, refused)),
      isSilent: (node) => this.#lives.silentSince(this.#ticks).includes(node),
    };
    this.#tickedAtMillis = env.clock.monotonic();
    this.#armTimer();
  }

  /** Founders of a group that this one waits for, by group. */
  get missingFounders(): ReadonlyMap<number, readonly number[]> {
    return new Map([...this.#foundings].map(([id, founding]) => [id, founding.missing]));
  }

  /**
   * Opens a group that the log knows, founds it together with its other founders, or joins it. Resolves when its
   * machine holds all that this node knows to be committed. Rejects as HostedGroup.open.
   */
  openGroup<Result>(options: OpenGroupOptions<Result>): Promise<HostedGroup<Result>> {
    const { id } = options;
    assert(!this.#groups.has(id) && !this.#opening.has(id), "a group is open once");
    const opening = this.#open(options).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }

  /** A member that votes and acknowledges and holds no data; its group has added it as a witness, or was founded with it. */
  openWitness<Result>(options: Omit<OpenGroupOptions<Result>, "machine">): Promise<HostedGroup<Result>> {
    return this.openGroup({ ...options, machine: new Witness<Result>(this.#options.log.group(options.id)) });
  }

  /** Of a group that is open, or opens; undefined of others. */
  explain(group: number): Explanation | undefined {
    return this.#groups.get(group)?.node.explain();
  }

  /** Of a snapshot that such a group fetches from another member; undefined while it fetches none. */
  incomingSnapshot(group: number): SnapshotProgress | undefined {
    return this.#groups.get(group)?.incomingSnapshot;
  }

  gauges(): HostGauges {
    let [groupsLed, groupsLeaderless, entriesUnapplied, commandsWaiting] = [0, 0, 0, 0];
    for (const { node, appliedIndex, commandsWaiting: waiting } of this.#groups.values()) {
      if (node.role === "leader") groupsLed++;
      if (node.lead === 0) groupsLeaderless++;
      entriesUnapplied += Math.max(0, node.committedIndex - appliedIndex);
      commandsWaiting += waiting;
    }
    return { groups: this.#groups.size, groupsLed, groupsLeaderless, entriesUnapplied, commandsWaiting };
  }

  /** A group with this node as its only founder. */
  openSoleGroup<Result>(options: Omit<OpenGroupOptions<Result>, "founders">): Promise<HostedGroup<Result>> {
    return this.openGroup({ ...options, founders: { voters: [this.nodeId] } });
  }

  /** Whether this node's log holds anything of a group. */
  holdsGroup(id: number): boolean {
    const { hardState, configuration, lastIndex, damage } = this.#options.log.group(id);
    return damage !== undefined || hardState !== undefined || configuration !== undefined || lastIndex > 0;
  }

  /** A group that waits for its other founders waits no more: its opening rejects with STOPPED. */
  abandonFounding(id: number): void {
    this.#foundings.get(id)?.stop();
  }

  /**
   * Closes a group that has removed this node as its member, or that is over for everybody (`isOver`), and removes what
   * the node held of it. Rejects as `forgetGroup`.
   */
  async forgetGroup(id: number, { isOver = false }: { readonly isOver?: boolean } = {}): Promise<void> {
    assert(!this.#opening.has(id), "a group that is forgotten is open or closed");
    const close = async (): Promise<void> => this.#groups.get(id)?.stop();
    await forgetGroup({ ...this.#options, group: id, folder: this.#folderOf(id), isOver, close });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const founding of this.#foundings.values()) founding.stop();
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
    await Promise.allSettled(this.#opening.values());
  }

  async #open<Result>(options: OpenGroupOptions<Result>): Promise<HostedGroup<Result>> {
    const { id, machine, limits = {}, core = {}, committedAtLeast = 0, onStateLost = "refuse" } = options;
    const { log } = this.#options;
    const lostDisk = (await this.#settle(id, options.founders)) === "lost" && options.isNewId !== true;
    return HostedGroup.open<Result>(this.#services, {
      life: this.#services.life + this.#openings++,
      ...{ id, machine, core, lostDisk, committedAtLeast, onStateLost },
      folder: this.#folderOf(id),
      limits: { ...GROUP_DEFAULTS, ...limits, entryBytesMax: entryBytesMax(limits, log) },
      opened: (member) => {
        if (this.#isClosed) throw hostFailure("STOPPED");
        this.#groups.set(id, member as GroupMember<unknown>);
      },
      closed: () => void this.#groups.delete(id),
    });
  }

  #folderOf(group: number): SnapshotFolder {
    const { folder = "raft", env } = this.#options;
    return new SnapshotFolder(env.disk, `${folder}/${group}`, this.#services.bugs);
  }

  /** What an empty log means, and what an old one lacks. */
  async #settle(id: number, founders: Partial<Configuration> | undefined): Promise<"known" | "lost"> {
    const { nodeId } = this;
    const { log } = this.#options;
    const isAlone = founders !== undefined && isSole({ configuration: configurationOf(founders) }, nodeId);
    if (log.group(id).damage !== undefined && !(await proveMembership(log, id))) {
      await this.#forgetDamaged(id, isAlone);
      return "lost";
    }
    const { hardState, configuration, lastIndex } = log.group(id);
    if (configuration !== undefined && hardState === undefined && lastIndex === 0) {
      // It was decided that the group begins, and power failed between the records that say so.
      await this.#found(id, decodeMembers(configuration).configuration);
      return "known";
    }
    if (configuration !== undefined || hardState !== undefined) return "known";
    if (lastIndex > 0) {
      const sole = soleMember(nodeId);
      await appended(this.#options.log, [{ kind: "configuration", group: id, index: 0, bytes: encodeMembers(sole) }]);
      return "known";
    }
    const voters = founders?.voters ?? [];
    if (founders === undefined || !voters.includes(nodeId)) return "lost";
    // Nobody else could tell whether the group had been here.
    if (isAlone && log.mayHaveLostGroups === true) throw hostFailure("LOG_INCOMPLETE", { data: { group: id } });
    const others = voters.filter((one) => one !== nodeId);
    const meets = others.length > 0 && !this.#services.bugs.has("found-without-meeting");
    if (meets && (await this.#meet(id, others)) === "lost") return "lost";
    await this.#found(id, configurationOf(founders));
    return "known";
  }

  async #meet(id: number, others: readonly number[]): Promise<"founded" | "lost"> {
    const founding = new Founding({
      others,
      tell: (to, holding) => this.#tellHolding(to, id, holding),
    });
    this.#foundings.set(id, founding);
    founding.tell();
    try {
      return await founding.result;
    } finally {
      this.#foundings.delete(id);
    }
  }

  /**
   * Part of what this node had promised is unreadable: it comes back as a member that lost its disk, and its peers
   * bring it up to date. What is left of its log could hold entries that others had replaced.
   */
  async #forgetDamaged(group: number, beganAlone: boolean): Promise<void> {
    const { log } = this.#options;
    const { configuration, damage } = log.group(group);
    if (configuration === undefined ? beganAlone : isSole(decodeMembers(configuration), this.nodeId)) {
      throw hostFailure("LOG_INCOMPLETE", { data: { group, ...damage } });
    }
    await forgetGroupState(log, group, this.#services.random);
    this.#services.onEvent({ kind: "damage-forgotten", group });
  }

  #found(group: number, configuration: Configuration): Promise<void> {
    const index = FOUNDING_INDEX;
    const bytes = encodeMembers({ index, foundedAt: FOUNDING_INDEX, configuration });
    const hardState = { term: FOUNDING_TERM, vote: 0, commit: index, incarnation: 0, isLost: false };
    return appended(this.#options.log, [
      { kind: "configuration", group, index, bytes },
      { kind: "compaction", group, index, term: FOUNDING_TERM },
      { kind: "hardState", group, ...hardState },
    ]);
  }

  #count({ kind }: GroupEvent): void {
    if (kind === "leader") this.counters.leaderChanges++;
    if (kind === "snapshot-installed") this.counters.snapshotsInstalled++;
    if (kind === "snapshot-failed") this.counters.snapshotsFailed++;
  }

  #wake(group: number): void {
    this.#due.add(group);
    this.#planTurn();
  }

  #planTurn(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    this.#options.env.timers.endOfTurn(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnPlanned = false;
    this.counters.turns++;
    const due: GroupMember<unknown>[] = [];
    for (const id of this.#due) {
      const group = this.#groups.get(id);
      if (group !== undefined) due.push(group);
    }
    this.#due.clear();
    for (const group of due) group.prepare();
    this.#outbox.flush();
    for (const group of due) group.apply();
  }

  /** Something for another node that no turn of a group sends. */
  #put(to: number, write: (writer: ReturnType<Outbox["to"]>) => void): void {
    write(this.#outbox.to(to));
    this.#planTurn();
  }

  #tellHolding(to: number, group: number, holding: Holding): void {
    this.#put(to, (writer) => writer.founding(group, holding, this.#lives.lastOf(to)));
  }

  #send(to: number, frame: Uint8Array): void {
    if (this.#options.transport?.send(to, frame)) this.counters.framesSent++;
    else {
      this.counters.framesDropped++;
      this.#unreachable(to);
    }
  }

  #receive(from: number, frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.counters.framesReceived++;
    try {
      readFrame(frame, (head) => this.#lives.accepts(from, head, this.#ticks), this.#handlerOf(from));
    } catch (error) {
      if (!hasCode(error, "FRAME_MALFORMED")) throw error;
      this.counters.framesRefused++;
    }
  }

  #handlerOf(from: number): FrameHandler {
    let handler = this.#handlers.get(from);
    if (handler === undefined) this.#handlers.set(from, (handler = this.#makeHandler(from)));
    return handler;
  }

  #makeHandler(from: number): FrameHandler {
    const known = (id: number): GroupMember<unknown> | undefined => {
      const group = this.#groups.get(id);
      if (group === undefined) this.counters.partsUnknown++;
      return group;
    };
    return {
      message: (id, message) => {
        if (message.to !== this.nodeId) return;
        if (mayCome(message, from)) known(id)?.receive(message);
        else this.counters.messagesRefused++;
      },
      request: (request) => known(request.group)?.serve(from, request),
      piece: (piece) => known(piece.group)?.take(from, piece),
      refusal: (id, batch) => known(id)?.refused(batch),
      unsafe: (id, refused) => known(id)?.unsafe(refused),
      founding: (id, holding, toLife) => {
        // What was told to an earlier life of this node says nothing about what that has lost since.
        if (toLife === this.#services.life) this.#foundings.get(id)?.heard(from, holding);
        const group = this.#groups.get(id);
        if (group === undefined || holding !== "nothing") return;
        this.#tellHolding(from, id, group.isUntouched ? "foundation" : "something");
      },
    };
  }

  #unreachable(node: number): void {
    if (!this.#isClosed) for (const group of this.#groups.values()) group.unreachable(node);
  }

  #armTimer(): void {
    const { timers, clock } = this.#options.env;
    this.#timer = timers.after(this.#limits.tickMillis, () => {
      // What waits to be taken in comes first: after a pause a leader's heartbeat may be among it.
      timers.endOfTurn(() => {
        if (this.#isClosed) return;
        this.#tick(clock.monotonic());
        this.#armTimer();
      });
    });
  }

  #catchUp(): void {
    const nowMillis = this.#options.env.clock.monotonic();
    if (nowMillis - this.#tickedAtMillis >= 2 * this.#limits.tickMillis) this.#tick(nowMillis);
  }

  #tick(nowMillis: number): void {
    const { tickMillis } = this.#limits;
    const passed = Math.floor((nowMillis - this.#tickedAtMillis) / tickMillis);
    if (passed === 0) return;
    // The rest counts the next time: late timers must not make a leader's clock, and with it its lease, run slow.
    this.#tickedAtMillis += passed * tickMillis;
    this.#ticks += passed;
    this.#services.serveBudget.tick();
    if (this.#options.log.isNearlyFull === true) this.#options.log.retrySpace?.();
    for (const founding of this.#foundings.values()) founding.tell();
    const silent = this.#lives.silentSince(this.#ticks);
    for (const group of this.#groups.values()) {
      group.tick(passed);
      for (const node of silent) group.suspect(node);
      // The followers of a silent group hear of its leader's node alone; elsewhere the group's heartbeats say that it lives.
      const { isQuiescent, role } = group.node;
      if (!isQuiescent || role !== "leader") continue;
      for (const node of group.members) if (node !== this.nodeId) this.#outbox.to(node);
    }
    this.#outbox.beat();
  }
}

function entryBytesMax(limits: Partial<GroupLimits>, log: RaftLog): number {
  return Math.min(limits.entryBytesMax ?? GROUP_DEFAULTS.entryBytesMax, Math.floor(log.recordBytesMax / 2));
}

function rethrow(error: Error): never {
  throw error;
}
