import { assert } from "../../../std/assert.ts";
import { EMPTY, text, utf8 } from "../../../std/bytes.ts";
import { AshlarError } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { type Change, ChangeType, change, LEAVE_JOINT, type Transition } from "../conf-change.ts";
import { configurationOf, isJoint, isVoter } from "../configuration.ts";
import { type Message, MessageType, type ReadState, type Snapshot } from "../messages.ts";
import type { RaftNode } from "../node.ts";
import type { RaftOptions } from "../options.ts";
import { decodeMessage, encodeMessage } from "../wire.ts";
import { Invariants } from "./invariants.ts";
import { SimNode } from "./sim-node.ts";

/** Faults are chances by step, 0 by default. */
export interface SimOptions {
  readonly nodes: number;
  readonly witnesses?: readonly number[];
  readonly commitQuorum?: number;
  readonly raft?: Partial<RaftOptions>;
  readonly loss?: number;
  readonly duplication?: number;
  readonly crash?: number;
  readonly diskLoss?: number;
  readonly partition?: number;
  readonly compaction?: number;
  readonly membership?: number;
  readonly transfer?: number;
  /** Ticks come to all nodes alike: what lease reads assume. */
  readonly hasEvenClocks?: boolean;
}

/** A handful of cores under a seed: everything that happens follows from it. */
export class SimCluster {
  readonly invariants: Invariants = new Invariants();
  readonly nodes: SimNode[] = [];
  readonly #prng: Prng;
  readonly #options: SimOptions;
  #messages: Uint8Array[] = [];
  #cut: ReadonlySet<number> = new Set();
  #isFaulty = true;
  #proposals = 0;
  reads = 0;
  diskLosses = 0;
  /** By the context of a read: how far anything was known to be committed when it was asked for. */
  readonly #asked = new Map<string, number>();

  constructor(seed: number, options: SimOptions) {
    this.#prng = new Prng(seed);
    this.#options = options;
    const ids = Array.from({ length: options.nodes }, (_, at) => at + 1);
    const configuration = configurationOf({
      voters: ids,
      witnesses: options.witnesses ?? [],
      commitQuorum: options.commitQuorum ?? 0,
    });
    const first: Snapshot = { index: 2, term: 1, configuration, data: EMPTY };
    for (const id of ids) this.#add(id, first);
  }

  /** So many steps with faults. */
  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.#step(step);
    this.invariants.sawLogs(this.#alive().map(({ node }) => node));
  }

  /** Without faults the group must elect a leader and commit something new on every member. */
  heal(steps: number): void {
    this.#isFaulty = false;
    this.#cut = new Set();
    for (const node of this.nodes) {
      node.isFrail = false;
      if (!node.isUp) node.start(false);
    }
    const goal = this.invariants.committedIndex + 5;
    for (let step = 0; step < steps; step++) {
      this.#step(step);
      if (step % 64 !== 0) continue;
      if (this.#isSettled(goal)) return;
      const { leader } = this;
      // Whoever asked for an explicit joint configuration also leaves it.
      if (leader !== undefined && isJoint(leader.status.configuration)) {
        this.#tryTo(() => leader.proposeConfChange(LEAVE_JOINT));
      }
    }
    assert(this.#isBeyondRepair(), "a healed group makes no progress");
  }

  /** A half of the newest configuration has lost too many disks for an election: the group stands still for ever, as it should. */
  #isBeyondRepair(): boolean {
    const newest = this.nodes.map(({ node }) => node.status).reduce((a, b) => (b.applied > a.applied ? b : a));
    const { voters, votersOutgoing } = newest.configuration;
    const isAble = (id: number): boolean => !this.nodes[id - 1]!.node.status.isLost;
    return [voters, votersOutgoing].some((half) => half.length > 0 && half.filter(isAble).length * 2 <= half.length);
  }

  get leader(): RaftNode | undefined {
    let newest: RaftNode | undefined;
    for (const { node } of this.#alive()) {
      const { role, term } = node.status;
      if (role === "leader" && term > (newest?.status.term ?? 0)) newest = node;
    }
    return newest;
  }

  #isSettled(goal: number): boolean {
    const status = this.leader?.status;
    if (status === undefined || status.commit < goal) return false;
    return status.progress.every(({ id, match, isLost }) => id === status.id || (!isLost && match >= goal));
  }

  #add(id: number, first: Snapshot | undefined): void {
    const raft = { electionTicks: 10, inflightMessagesMax: 8, messageBytesMax: 64, ...this.#options.raft };
    const node = new SimNode(id, this.#prng.fork(), raft, first, {
      send: (message) => this.#send(message),
      applied: (entry) => this.invariants.applied(entry),
      read: (state) => this.#read(state),
    });
    // An empty disk: whether the id was a member before is not for the newcomer to say.
    if (first === undefined) node.start(true);
    this.nodes.push(node);
  }

  #step(step: number): void {
    const prng = this.#prng;
    if (this.#options.hasEvenClocks === true) {
      if (step % 12 === 0) for (const node of this.#alive()) node.node.tick();
    } else if (prng.chance(0.2)) {
      const node = this.#pick();
      node?.node.tick();
    }
    // What the nodes send grows with their number, and a network that falls behind delivers nothing but history.
    const deliveries = this.#isFaulty ? this.nodes.length / 2 : this.nodes.length;
    for (let left = deliveries; left > 0; left--) if (prng.chance(0.8)) this.#deliver();
    const worker = this.#pick();
    if (worker !== undefined) {
      worker.work();
      if (worker.isUp) this.invariants.sawNode(worker.node);
    }
    if (prng.chance(this.#isFaulty ? 0.05 : 0.01)) this.#propose();
    if (prng.chance(0.02)) this.#ask();
    if (this.#isFaulty) this.#misbehave();
    if (step % 500 === 0) this.invariants.sawLogs(this.#alive().map(({ node }) => node));
  }

  #misbehave(): void {
    const { crash = 0, diskLoss = 0, partition = 0, compaction = 0, membership = 0, transfer = 0 } = this.#options;
    const prng = this.#prng;
    if (prng.chance(crash)) prng.pick(this.nodes).crash();
    if (prng.chance(crash * 3)) {
      const node = prng.pick(this.nodes);
      if (!node.isUp) node.start(false);
    }
    if (prng.chance(diskLoss)) this.#loseDisk();
    if (prng.chance(partition)) {
      this.#cut = prng.chance(0.5) ? new Set() : new Set(this.nodes.filter(() => prng.chance(0.4)).map(({ id }) => id));
    }
    if (prng.chance(compaction)) this.#pick()?.compact();
    if (prng.chance(membership)) this.#changeMembers();
    if (prng.chance(transfer)) this.leader?.transferLeadership(prng.pick(this.nodes).id);
  }

  /** One at a time: a group that loses a majority of its disks stands still for ever, as it should. */
  #loseDisk(): void {
    if (this.nodes.some((node) => !node.isUp || !isVoter(node.node.status.configuration, node.id))) return;
    const node = this.#prng.pick(this.nodes);
    node.crash();
    node.start(true);
    this.diskLosses++;
  }

  #changeMembers(): void {
    const prng = this.#prng;
    const { leader } = this;
    if (leader === undefined) return;
    const { configuration } = leader.status;
    if (isJoint(configuration) && prng.chance(0.7)) {
      this.#tryTo(() => leader.proposeConfChange(LEAVE_JOINT));
      return;
    }
    const count = prng.chance(0.6) ? 1 : 2;
    const changes: Change[] = [];
    for (let left = count; left > 0; left--) {
      // A removed id does not come back; new ones are taken up to a limit.
      const present = configuration.voters.filter((id) => !configuration.witnesses.includes(id));
      const kind = prng.below(3);
      if (kind === 0 && present.length > 2) changes.push(change(ChangeType.removeNode, prng.pick(present)));
      else if (kind === 1 && present.length > 2) changes.push(change(ChangeType.addJoining, prng.pick(present)));
      else if (this.nodes.length < this.#options.nodes + 3) {
        const id = this.nodes.length + 1;
        this.#add(id, undefined);
        changes.push(change(ChangeType.addJoining, id));
      }
    }
    if (changes.length === 0) return;
    const transition = prng.pick<Transition>(["auto", "implicit", "explicit"]);
    this.#tryTo(() => leader.proposeConfChange({ transition, changes, context: EMPTY }));
  }

  #propose(): void {
    const node = this.#pick();
    if (node === undefined) return;
    this.#proposals++;
    const data = utf8(`p${this.#proposals}`);
    this.#tryTo(() => node.node.propose(data));
  }

  #ask(): void {
    const node = this.#pick();
    if (node === undefined) return;
    const name = `r${this.#asked.size}`;
    this.#asked.set(name, this.invariants.committedIndex);
    node.node.readIndex(utf8(name));
  }

  /** A linearizable read is not older than what anybody had seen when it was asked for. */
  #read({ index, context }: ReadState): void {
    this.reads++;
    assert(index >= this.#asked.get(text(context))!, "a read is older than what was applied before it began");
  }

  #tryTo(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
    }
  }

  #send(message: Message): void {
    const { loss = 0, duplication = 0 } = this.#options;
    if (this.#isFaulty && this.#prng.chance(loss)) {
      this.#reportSnapshot(message, false);
      return;
    }
    const bytes = encodeMessage(message);
    this.#messages.push(bytes);
    if (this.#isFaulty && this.#prng.chance(duplication)) this.#messages.push(bytes);
    // A network forgets, too.
    if (this.#messages.length > 2000) {
      for (const lost of this.#messages.splice(0, 1000)) this.#reportSnapshot(decodeMessage(lost), false);
    }
  }

  /** Any message may be the next one. */
  #deliver(): void {
    if (this.#messages.length === 0) return;
    const at = this.#isFaulty ? this.#prng.below(this.#messages.length) : 0;
    const bytes = this.#messages[at]!;
    this.#messages.splice(at, 1);
    const message = decodeMessage(bytes);
    const isCut = this.#cut.has(message.from) !== this.#cut.has(message.to);
    if (!isCut) this.nodes[message.to - 1]!.receive(message);
    this.#reportSnapshot(message, !isCut);
  }

  /** A transport knows what became of a snapshot, which is more than a message. */
  #reportSnapshot(message: Message, isReceived: boolean): void {
    if (message.type !== MessageType.snapshot) return;
    const sender = this.nodes[message.from - 1]!;
    if (sender.isUp) sender.node.reportSnapshot(message.to, isReceived);
  }

  #alive(): readonly SimNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  #pick(): SimNode | undefined {
    const alive = this.#alive();
    return alive.length === 0 ? undefined : this.#prng.pick(alive);
  }
}
