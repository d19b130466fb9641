import {
  type Change,
  ChangeType,
  type Configuration,
  change,
  commitQuorumOf,
  configurationOf,
  decodeMessage,
  type Entry,
  isJoint,
  isVoter,
  LEAVE_JOINT,
  type RaftBug,
  type ReadState,
  type Snapshot,
  type Transition,
} from "../../../core/raft/index.ts";
import { EMPTY } from "../../../std/bytes.ts";
import { ByteReader } from "../../../std/reader.ts";
import { ByteWriter } from "../../../std/writer.ts";
import { type FaultEvent, invariant, type NodeContext, type Scenario, type SimRun } from "../../kernel/index.ts";
import { type Chain, EMPTY_CHAIN, encodeChain } from "./chain.ts";
import { Invariants } from "./invariants.ts";
import type { RaftCoreKnobs } from "./knobs.ts";
import { Member, type MemberObserver } from "./member.ts";
import { messageText } from "./message-text.ts";

/** Log matching compares all logs with each other: not at every check. */
const LOG_CHECKS = 10;
/** What the goal asks for beyond what was committed when the faults ended. */
const GOAL_ENTRIES = 5;

/** A group of cores and those who use it. Everything that happens to it is checked at once. */
export class RaftCoreCluster implements Scenario, MemberObserver {
  readonly counts: Record<string, number> = { elections: 0, committed: 0, reads: 0, changes: 0, "lost disks": 0 };
  readonly #run: SimRun<RaftCoreKnobs>;
  readonly #invariants = new Invariants();
  readonly #first: Snapshot;
  readonly #founders: number;
  /** Of processes that run, by id. */
  readonly #members = new Map<number, Member>();
  readonly #lost = new Set<number>();
  /** By the number of a read: how far anything was known to be applied when it was asked for. */
  readonly #asked: number[] = [];
  #proposals = 0;
  #checks = 0;
  #goal = Number.POSITIVE_INFINITY;

  constructor(run: SimRun<RaftCoreKnobs>, founders: number) {
    this.#run = run;
    this.#founders = founders;
    const voters = Array.from({ length: founders }, (_, at) => at + 1);
    const { witnesses, commitQuorum } = run.knobs;
    const configuration = configurationOf({ voters, witnesses: voters.slice(founders - witnesses), commitQuorum });
    this.#first = { index: 2, term: 1, configuration, data: encodeChain(EMPTY_CHAIN) };
  }

  start(context: NodeContext): Promise<void> {
    const member = new Member(context, {
      knobs: this.#run.knobs,
      bugs: this.#run.bugs as ReadonlySet<RaftBug>,
      first: context.id <= this.#founders ? this.#first : undefined,
      observer: this,
    });
    this.#members.set(context.id, member);
    return member.start();
  }

  begin(): void {
    const { knobs } = this.#run;
    this.#run.every(knobs.proposalMillis, "propose", () => this.#propose());
    this.#run.every(knobs.readMillis, "read", () => this.#ask());
    this.#often(knobs.transferMillis, "transfer", () => {
      const to = this.#run.prng.pick(this.#run.nodes).id;
      this.leader?.ask((node) => node.transferLeadership(to));
    });
    this.#often(knobs.compactionMillis, "compact", () => this.#pick()?.compact());
    this.#often(knobs.membershipMillis, "change members", () => this.#changeMembers());
  }

  check(): void {
    if (this.#checks++ % LOG_CHECKS === 0) this.#invariants.sawLogs(this.#up().map(({ node }) => node!));
    this.counts["elections"] = this.#invariants.elections;
    this.counts["committed"] = this.#invariants.committedIndex;
  }

  permits(fault: FaultEvent): boolean {
    const { knobs } = this.#run;
    if (fault.kind === "lost-disk") return this.#survivesLossOf(fault.node);
    // A lease trusts that no process stands still unnoticed.
    if (fault.kind === "pause" && knobs.raft.reads !== "safe") return fault.durationMillis < knobs.tickMillis;
    return true;
  }

  heal(): void {
    this.#goal = this.#invariants.committedIndex + GOAL_ENTRIES;
  }

  missing(): string | undefined {
    const { leader } = this;
    if (leader === undefined) return this.#isBeyondRepair() ? undefined : "there is no leader";
    const status = leader.node!.status;
    // Whoever asked for an explicit joint configuration also leaves it.
    if (isJoint(status.configuration)) leader.ask((node) => node.proposeConfChange(LEAVE_JOINT));
    if (status.commit < this.#goal) return `n${leader.id} has committed ${status.commit} of ${this.#goal}`;
    for (const { id, match, isLost } of status.progress) {
      if (id !== leader.id && (isLost || match < this.#goal)) return `n${id} has ${match} of ${this.#goal}`;
    }
    return undefined;
  }

  describe(bytes: Uint8Array): string {
    return messageText(decodeMessage(bytes));
  }

  /** Of those that lead, the one with the newest term. */
  get leader(): Member | undefined {
    let newest: Member | undefined;
    let newestTerm = -1;
    for (const member of this.#up()) {
      if (member.role !== "leader") continue;
      const { term } = member.node!.status;
      if (term > newestTerm) [newest, newestTerm] = [member, term];
    }
    return newest;
  }

  becameLeader(member: Member, term: number): void {
    this.#invariants.becameLeader(member.id, term, member.node!);
  }

  voted(member: Member, term: number, candidate: number): void {
    this.#invariants.voted(member.id, term, candidate);
  }

  committed(member: Member, index: number, term: number): void {
    this.#checkQuorums(member, index, term);
  }

  applied(member: Member, entry: Entry, chain: Chain): void {
    const isNew = entry.index > this.#invariants.committedIndex;
    const isWitness = member.configuration.witnesses.includes(member.id);
    this.#invariants.applied(member.id, entry, isWitness ? undefined : chain);
    if (isNew && this.#run.knobs.membershipMillis === 0) this.#checkQuorums(member, entry.index, entry.term);
    if (this.#run.isTraced) this.#run.trace(`n${member.id}`, "apply", `entry ${entry.index} of term ${entry.term}`);
  }

  adopted(member: Member, index: number, chain: Chain): void {
    if (member.configuration.witnesses.includes(member.id)) return;
    this.#invariants.sawState(member.id, index, chain);
  }

  /** A linearizable read is not older than what anybody had seen when it was asked for. */
  read(member: Member, { index, context }: ReadState): void {
    const asked = this.#asked[new ByteReader(context).u32()]!;
    this.counts["reads"]!++;
    invariant(
      index >= asked,
      "a read is older than what was applied before it began",
      () => `n${member.id} reads at ${index}, and ${asked} was applied`,
    );
  }

  /** What is committed lies on the disks of as many as it takes to commit it, of both halves of a joint configuration. */
  #checkQuorums(member: Member, index: number, term: number): void {
    const { voters, commitQuorum, votersOutgoing, commitQuorumOutgoing } = member.configuration;
    this.#checkQuorum(voters, commitQuorum, index, term);
    if (votersOutgoing.length > 0) this.#checkQuorum(votersOutgoing, commitQuorumOutgoing, index, term);
  }

  #checkQuorum(voters: readonly number[], commitQuorum: number, index: number, term: number): void {
    if (this.#lost.size > 0) return;
    const lacking = voters.filter((id) => {
      const voter = this.#members.get(id);
      // Of a process that is down, or still reads its log, nothing is known.
      if (voter?.node === undefined || !this.#isUp(id)) return false;
      const { storage } = voter.log;
      return index >= storage.firstIndex && storage.term(index) !== term;
    });
    invariant(
      voters.length - lacking.length >= commitQuorumOf(voters.length, commitQuorum),
      "an entry is committed that is not on the disks of a commit quorum",
      () => `entry ${index} of term ${term} is not on ${lacking.map((id) => `n${id}`)} of ${voters}`,
    );
  }

  /** One at a time: a group that loses a majority of its disks stands still for ever, as it should. */
  #survivesLossOf(id: number): boolean {
    const members = this.#up();
    if (members.length < this.#run.nodes.length) return false;
    if (!members.every((member) => isVoter(member.configuration, member.id))) return false;
    // One that lost its disk comes back under a new id.
    const { witnesses } = members[0]!.configuration;
    if (witnesses.includes(id)) return false;
    // What else only witnesses hold is lost with it: they keep no data, and let nobody lead who lacks what they know of.
    const keepers = members.filter((member) => member.id !== id && !witnesses.includes(member.id) && !isLost(member));
    const isCovered = (one: Member): boolean => keepers.some((keeper) => isUpToDate(keeper, one));
    if (witnesses.length > 0 && !members.every(isCovered)) return false;
    this.#lost.add(id);
    this.counts["lost disks"]!++;
    return true;
  }

  /** A half of the newest configuration has lost too many disks for an election: the group stands still, as it should. */
  #isBeyondRepair(): boolean {
    const members = this.#up();
    if (members.length < this.#run.nodes.length) return false;
    const newest = members.reduce((a, b) => (b.applied > a.applied ? b : a)).configuration;
    const isAble = (id: number): boolean => this.#members.get(id)?.node?.status.isLost === false;
    return [newest.voters, newest.votersOutgoing].some(
      (half) => half.length > 0 && half.filter(isAble).length * 2 <= half.length,
    );
  }

  #often(meanMillis: number, label: string, run: () => void): void {
    if (meanMillis === 0) return;
    this.#run.every(meanMillis, label, () => {
      if (this.#run.isFaulty) run();
    });
  }

  #propose(): void {
    const { knobs } = this.#run;
    const data = new ByteWriter(knobs.proposalBytes).u32(++this.#proposals);
    while (data.length < knobs.proposalBytes) data.u32(0);
    this.#pick()?.ask((node) => node.propose(data.finish()));
  }

  #ask(): void {
    const member = this.#pick();
    if (member === undefined) return;
    const number = this.#asked.push(this.#invariants.committedIndex) - 1;
    member.ask((node) => node.readIndex(new ByteWriter(4).u32(number).finish()));
  }

  #changeMembers(): void {
    const { prng } = this.#run;
    const { leader } = this;
    if (leader === undefined) return;
    const { configuration } = leader.node!.status;
    if (isJoint(configuration) && prng.chance(0.7)) {
      leader.ask((node) => node.proposeConfChange(LEAVE_JOINT));
      return;
    }
    const changes = this.#drawChanges(configuration);
    if (changes.length === 0) return;
    this.counts["changes"]!++;
    const transition = prng.pick<Transition>(["auto", "implicit", "explicit"]);
    leader.ask((node) => node.proposeConfChange({ transition, changes, context: EMPTY }));
  }

  /** A removed id does not come back; new ones are taken as long as there are spares. */
  #drawChanges({ voters, witnesses }: Configuration): readonly Change[] {
    const { prng } = this.#run;
    const changes: Change[] = [];
    const present = voters.filter((id) => !witnesses.includes(id));
    if (prng.chance(0.3)) return this.#drawSwap(present);
    for (let left = prng.pick([1, 1, 2, 3]); left > 0; left--) {
      const kind = prng.below(3);
      const joins = prng.chance(0.5) ? ChangeType.addJoining : ChangeType.addLearner;
      if (kind === 0 && present.length > 2) changes.push(change(ChangeType.removeNode, prng.pick(present)));
      else if (kind === 1 && present.length > 2) changes.push(change(ChangeType.addJoining, prng.pick(present)));
      else if (this.#run.canAddNode) changes.push(change(joins, this.#run.addNode().id));
    }
    return changes;
  }

  /** Learners that follow take the place of voters, several at once: then the halves have little in common. */
  #drawSwap(present: readonly number[]): readonly Change[] {
    const { prng } = this.#run;
    const { progress } = this.leader!.node!.status;
    const ready = progress.filter(({ isLearner, isLost, state }) => isLearner && !isLost && state === "replicate");
    const changes: Change[] = [];
    for (const { id } of ready) {
      changes.push(change(ChangeType.addVoter, id));
      if (present.length > 1) changes.push(change(ChangeType.removeNode, prng.pick(present)));
    }
    return changes;
  }

  #up(): readonly Member[] {
    return [...this.#members.values()].filter(({ id, node }) => node !== undefined && this.#isUp(id));
  }

  #isUp(id: number): boolean {
    return this.#run.nodes[id - 1]!.isUp;
  }

  #pick(): Member | undefined {
    const up = this.#up();
    return up.length === 0 ? undefined : this.#run.prng.pick(up);
  }
}

function isLost({ node }: Member): boolean {
  return node!.status.isLost;
}

/** Whether the other one would vote for it, as far as their logs say. */
function isUpToDate(keeper: Member, other: Member): boolean {
  const [mine, theirs] = [keeper.node!, other.node!];
  const [myTerm, theirTerm] = [mine.term(mine.lastIndex) ?? 0, theirs.term(theirs.lastIndex) ?? 0];
  return myTerm === theirTerm ? mine.lastIndex >= theirs.lastIndex : myTerm > theirTerm;
}
