import { checkHistory, operationText } from "../../../check/index.ts";
import {
  ChangeType,
  change,
  isJoint,
  isMember,
  isVoter,
  LEAVE_JOINT,
  type RaftBug,
  type Transition,
} from "../../../core/raft/index.ts";
import {
  type GroupEvent,
  type HostBug,
  RaftHost,
  type SessionBug,
  SessionMachine,
  type StateMachine,
} from "../../../host/index.ts";
import { Log, type LogBug } from "../../../log/index.ts";
import { AshlarError, hasCode } from "../../../std/errors.ts";
import {
  type Client,
  type FaultEvent,
  invariant,
  type NodeContext,
  type Scenario,
  type SimRun,
  Violation,
} from "../../kernel/index.ts";
import type { RaftKnobs } from "./knobs.ts";
import { KvMachine, type Reply } from "./kv-machine.ts";
import { DatagramTransport } from "./transport.ts";
import { type Answer, type Member, Users } from "./users.ts";

const GROUP = 1;
const CHECK_MEMORY_BYTES = 64 * 1024 * 1024;
const CHECK_SLICES_MAX = 3_000;

/** Hosts with one group of a map on all of them, and clients whose history must be linearizable. */
export class RaftCluster implements Scenario {
  readonly counts: Record<string, number> = {
    ...{ operations: 0, unknown: 0, elections: 0, changes: 0, snapshots: 0, "repaired logs": 0, undecided: 0 },
  };
  readonly #run: SimRun<RaftKnobs>;
  readonly #members = new Map<number, Member>();
  readonly #users: Users;
  readonly #leaders = new Map<number, number>();
  /** The digest of the state at each index. */
  readonly #digests = new Map<number, number>();
  /** Nodes whose disks were damaged or lost. */
  readonly #harmed = new Set<number>();
  /** Founders that have begun. */
  #founded = 0;
  #lastWritten: number | undefined;

  constructor(run: SimRun<RaftKnobs>) {
    this.#run = run;
    this.#users = new Users({ run, counts: this.counts, pick: () => this.#pick() });
  }

  async start(context: NodeContext): Promise<void> {
    const { knobs, size } = this.#run;
    const { env } = context;
    const machine = new KvMachine({ applied: (index, digest) => this.#applied(context, index, digest) });
    const member: Member = { context, machine, group: undefined };
    this.#members.set(context.id, member);
    const onFatal = (error: Error): void => this.#fatal(context, error);
    const bugs = this.#run.bugs as ReadonlySet<RaftBug> & ReadonlySet<LogBug> & ReadonlySet<HostBug>;
    const log = await Log.open(env, { options: knobs.log, onFatal, onDamage: "set-aside", bugs });
    const host = await RaftHost.start({
      ...{ nodeId: context.id, env, log, onFatal, limits: knobs.host, bugs },
      transport: new DatagramTransport(context),
      onEvent: (event) => this.#observe(context, event),
    });
    const voters = Array.from({ length: size }, (_, at) => at + 1);
    const isFounder = context.id <= size;
    member.group = await host.openGroup<Answer>({
      ...{ id: GROUP, machine: this.#replicated(machine), limits: knobs.group },
      core: { ...knobs.core, bugs },
      // The only snapshot may rot: then the others bring the member back.
      onStateLost: "rejoin",
      ...(isFounder && { founders: { voters } }),
    });
    if (isFounder && context.starts === 1) this.#founded++;
  }

  #replicated(machine: KvMachine): StateMachine<Answer> {
    if (this.#run.knobs.sessionsMax === 0) return machine;
    return new SessionMachine<Reply>(machine, undefined, this.#run.bugs as ReadonlySet<SessionBug>);
  }

  begin(): void {
    const { knobs } = this.#run;
    this.#users.begin();
    this.#often(knobs.transferMillis, "transfer", () => {
      this.#leader?.group?.transferLeadership(this.#run.prng.pick(this.#run.nodes).id);
    });
    this.#often(knobs.membershipMillis, "change members", () => this.#changeMembers());
  }

  permits(fault: FaultEvent): boolean {
    const { knobs, size } = this.#run;
    // A group is founded by all of its founders at once: one that goes on without the others takes them for lost.
    if (this.#founded < size) return false;
    // A lease trusts that no process stands still unnoticed.
    if (fault.kind === "pause" && knobs.core.reads !== "safe") return fault.durationMillis < knobs.host.tickMillis!;
    if (fault.kind !== "lost-disk" && fault.kind !== "bit-rot") return true;
    if (!this.#harmed.has(fault.node) && this.#harmed.size + 1 > (size - 1) / 2) return false;
    const members = this.#up();
    if (members.length < this.#run.nodes.length || !members.every(isVoting)) return false;
    // Nor may a change that takes a member out be on its way, or two voters be all that is left: both must know all they said.
    const group = this.#leader?.group;
    if (group === undefined || group.explain().change !== undefined) return false;
    const { configuration } = group.status;
    if (isJoint(configuration) || configuration.voters.length < 3) return false;
    if (!this.#isSoundQuorum(configuration.voters, fault.node)) return false;
    this.#harmed.add(fault.node);
    return true;
  }

  heal(): void {
    this.#run.client(async (client) => {
      while (this.#lastWritten === undefined) {
        const member = this.#pick();
        if (member !== undefined) await this.#writeLast(client, member);
        await client.sleep(100);
      }
    });
  }

  missing(): string | undefined {
    const leader = this.#leader;
    if (leader === undefined)
      return `there is no leader: ${this.#pick()?.group?.explain().leader ?? "no group is open"}`;
    if (this.#lastWritten === undefined) return "no write has been acknowledged";
    const { configuration, progress } = leader.group!.status;
    if (isJoint(configuration)) leader.group!.changeMembers(LEAVE_JOINT).catch(ignoreRefusal);
    const behind = progress.find(({ match, isLost }) => isLost || match < this.#lastWritten!);
    return behind === undefined ? undefined : `n${behind.id} has ${behind.match} of ${this.#lastWritten}`;
  }

  finish(): void {
    const { operations } = this.#run.history;
    let slices = 0;
    const verdict = checkHistory(operations, {
      model: "cas-register",
      memoryBytesMax: CHECK_MEMORY_BYTES,
      isOver: () => ++slices > CHECK_SLICES_MAX,
    });
    if (verdict.verdict === "unknown") this.counts["undecided"]!++;
    if (verdict.verdict !== "violation") return;
    const told = [...verdict.explanation, ...verdict.operations.map(operationText)].join("\n  ");
    throw new Violation("the clients' history is not linearizable", told);
  }

  async #writeLast(client: Client, member: Member): Promise<void> {
    const outcome = await this.#users.write(client, member, "last", "written");
    if (outcome === null) this.#lastWritten = member.machine.appliedIndex;
  }

  /** State machine safety: the same index, the same state, on every node and in every life of it. */
  #applied(context: NodeContext, index: number, digest: number): void {
    const known = this.#digests.get(index);
    if (known === undefined) this.#digests.set(index, digest);
    else if (known !== digest) {
      const violation = new Violation("two nodes hold different states at one index", `n${context.id} at ${index}`);
      this.#run.fail(violation);
      throw violation;
    }
    if (context.isTraced) context.trace("apply", `entry ${index}`);
  }

  #observe(context: NodeContext, event: GroupEvent): void {
    if (context.isTraced) context.trace(event.kind, eventText(event));
    if (event.kind === "snapshot-installed") this.counts["snapshots"]!++;
    if (event.kind === "damage-forgotten") {
      this.counts["repaired logs"]!++;
      invariant(this.#harmed.has(context.id), "a log lacks what was synced, and nothing had damaged its disk");
    }
    if (event.kind !== "leader" || event.role !== "leader") return;
    const known = this.#leaders.get(event.term);
    if (known === undefined) this.counts["elections"]!++;
    this.#leaders.set(event.term, context.id);
    invariant(known === undefined || known === context.id, "two nodes lead one term");
  }

  /** The node must stop. What it found wrong with a disk is the disk's; all else is a bug. */
  #fatal(context: NodeContext, error: Error): void {
    if (error instanceof AshlarError && !hasCode(error, "STATE_LOST")) context.exit(`stops: ${error.message}`);
    else this.#run.fail(error);
  }

  #changeMembers(): void {
    const { prng } = this.#run;
    const group = this.#leader?.group;
    if (group === undefined) return;
    const { voters } = group.status.configuration;
    if (isJoint(group.status.configuration)) {
      group.changeMembers(LEAVE_JOINT).catch(ignoreRefusal);
      return;
    }
    const changes = [];
    if (this.#run.canAddNode && prng.chance(0.5)) changes.push(change(ChangeType.addJoining, this.#run.addNode().id));
    // Who takes a sound member out while another one still has to come back from its lost disk takes away its quorum.
    const isBack = (id: number): boolean => this.#up().some((one) => one.context.id === id && isVoting(one));
    const areAllBack = [...this.#harmed].every((id) => isBack(id) || !isMember(group.status.configuration, id));
    if (voters.length > 2 && areAllBack && prng.chance(0.5)) {
      const out = prng.pick(voters);
      const left = voters.filter((id) => id !== out);
      if (this.#isSoundQuorum(left)) changes.push(change(ChangeType.removeNode, out));
    }
    if (changes.length === 0) return;
    this.counts["changes"]!++;
    const transition = prng.pick<Transition>(["auto", "implicit", "explicit"]);
    group.changeMembers({ transition, changes }, { strict: false }).catch(ignoreRefusal);
  }

  /** What rotted is noticed at the next start only: until then any harmed voter may be about to lose what it promised. */
  #isSoundQuorum(voters: readonly number[], alsoHarmed?: number): boolean {
    const sound = voters.filter((id) => id !== alsoHarmed && !this.#harmed.has(id));
    return sound.length > voters.length / 2;
  }

  #often(meanMillis: number, label: string, run: () => void): void {
    if (meanMillis === 0) return;
    this.#run.every(meanMillis, label, () => {
      if (this.#run.isFaulty) run();
    });
  }

  get #leader(): Member | undefined {
    let newest: Member | undefined;
    for (const member of this.#up()) {
      if (!member.group!.isLeader) continue;
      if (newest === undefined || member.group!.status.term > newest.group!.status.term) newest = member;
    }
    return newest;
  }

  #up(): readonly Member[] {
    return [...this.#members.values()].filter(({ context, group }) => context.isAlive && group !== undefined);
  }

  #pick(): Member | undefined {
    const up = this.#up();
    return up.length === 0 ? undefined : this.#run.prng.pick(up);
  }
}

function isVoting({ group, context }: Member): boolean {
  const { configuration, isLost } = group!.status;
  return !isLost && isVoter(configuration, context.id);
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof AshlarError)) throw error;
}

function eventText(event: GroupEvent): string {
  switch (event.kind) {
    case "leader":
      return `n${event.lead} leads, ${event.role} in term ${event.term}`;
    case "members":
      return `voters ${event.configuration.voters}, learners ${event.configuration.learners}`;
    case "snapshot-installed":
      return `up to ${event.index}`;
    case "snapshot-failed":
      return event.error.message;
    default:
      return "";
  }
}
