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
import { type GroupEvent, type HostedGroup, RaftHost } from "../../../host/index.ts";
import { Log } from "../../../log/index.ts";
import { utf8 } from "../../../std/bytes.ts";
import { AshlarError } from "../../../std/errors.ts";
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
import { type Command, KvMachine, type Reply } from "./kv-machine.ts";
import { DatagramTransport } from "./transport.ts";

const GROUP = 1;
/** A client gives up waiting after so long; what it asked for may still happen. */
const PATIENCE_MILLIS = 5_000;
const CHECK_MEMORY_BYTES = 64 * 1024 * 1024;
const CHECK_SLICES_MAX = 3_000;

/** One run of one process. */
interface Member {
  readonly context: NodeContext;
  readonly machine: KvMachine;
  group: HostedGroup<Reply> | undefined;
}

/** Hosts with one group of a map on all of them, and clients whose history must be linearizable. */
export class RaftCluster implements Scenario {
  readonly counts: Record<string, number> = {
    ...{ operations: 0, unknown: 0, elections: 0, changes: 0, snapshots: 0, "repaired logs": 0, undecided: 0 },
  };
  readonly #run: SimRun<RaftKnobs>;
  readonly #members = new Map<number, Member>();
  readonly #leaders = new Map<number, number>();
  /** The digest of the state at each index. */
  readonly #digests = new Map<number, number>();
  /** Nodes whose disks were damaged or lost. */
  readonly #harmed = new Set<number>();
  /** Founders that have begun. */
  #founded = 0;
  #commands = 0;
  #processes = 0;
  #lastWritten: number | undefined;

  constructor(run: SimRun<RaftKnobs>) {
    this.#run = run;
  }

  async start(context: NodeContext): Promise<void> {
    const { knobs, size } = this.#run;
    const { env } = context;
    const machine = new KvMachine({ applied: (index, digest) => this.#applied(context, index, digest) });
    const member: Member = { context, machine, group: undefined };
    this.#members.set(context.id, member);
    const onFatal = (error: Error): void => this.#fatal(context, error);
    const log = await Log.open(env, { options: knobs.log, onFatal, onDamage: "set-aside" });
    const host = await RaftHost.start({
      ...{ nodeId: context.id, env, log, onFatal, limits: knobs.host },
      transport: new DatagramTransport(context),
      onEvent: (event) => this.#observe(context, event),
    });
    const voters = Array.from({ length: size }, (_, at) => at + 1);
    const isFounder = context.id <= size;
    member.group = await host.openGroup<Reply>({
      ...{ id: GROUP, machine, limits: knobs.group },
      core: { ...knobs.core, bugs: this.#run.bugs as ReadonlySet<RaftBug> },
      ...(isFounder && { founders: { voters } }),
    });
    if (isFounder && context.starts === 1) this.#founded++;
  }

  begin(): void {
    const { knobs } = this.#run;
    for (let left = knobs.clients; left > 0; left--) this.#run.client((client) => this.#use(client));
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

  /** One client's life: an operation after the other, each on any node. */
  async #use(client: Client): Promise<void> {
    const { knobs } = this.#run;
    let process = this.#processes++;
    for (;;) {
      await client.sleep(knobs.thinkMillis * 2 * client.prng.unit());
      if (!this.#run.isFaulty) return;
      const member = this.#pick();
      if (member === undefined) continue;
      // After an unknown outcome the process is gone, as histories have it.
      if (!(await this.#operate(client, member, process))) process = this.#processes++;
    }
  }

  /** False where it is unknown what came of it. */
  async #operate(client: Client, member: Member, process: number): Promise<boolean> {
    const { knobs, history } = this.#run;
    const { prng } = client;
    const key = `k${prng.below(knobs.keys)}`;
    const kind = prng.pick(["read", "read", "write", "write", "cas"] as const);
    const name = String(++this.#commands);
    const value = name.padEnd(name.length + knobs.paddingBytes, " ");
    this.counts["operations"]!++;
    if (kind === "read") {
      const operation = history.invoke(process, "read", null, key);
      const isRead = await outcomeOf(
        client.within(
          PATIENCE_MILLIS,
          member.group!.readBarrier().then(() => true),
        ),
      );
      if (isRead === true && member.context.isAlive) operation.ok(member.machine.get(key));
      else operation.fail();
      return true;
    }
    const from = member.machine.get(key);
    const command: Command = kind === "write" ? { name, kind, key, value } : { name, kind, key, from, to: value };
    const operation = history.invoke(process, kind, kind === "write" ? value : [from, value], key);
    const reply = await outcomeOf(client.within(PATIENCE_MILLIS, member.group!.propose(utf8(JSON.stringify(command)))));
    if (reply === "refused") operation.fail("refused");
    else if (reply === false) operation.fail();
    else if (reply === undefined) operation.unknown();
    else operation.ok();
    if (reply === undefined) this.counts["unknown"]!++;
    return reply !== undefined;
  }

  async #writeLast(client: Client, { group, machine }: Member): Promise<void> {
    const command: Command = { name: String(++this.#commands), kind: "write", key: "last", value: "written" };
    const reply = await outcomeOf(client.within(PATIENCE_MILLIS, group!.propose(utf8(JSON.stringify(command)))));
    if (reply === null) this.#lastWritten = machine.appliedIndex;
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
    if (event.kind === "damage-forgotten") this.counts["repaired logs"]!++;
    if (event.kind !== "leader" || event.role !== "leader") return;
    const known = this.#leaders.get(event.term);
    if (known === undefined) this.counts["elections"]!++;
    this.#leaders.set(event.term, context.id);
    invariant(known === undefined || known === context.id, "two nodes lead one term");
  }

  /** The node must stop. What it found wrong with a disk is the disk's; all else is a bug. */
  #fatal(context: NodeContext, error: Error): void {
    if (error instanceof AshlarError) context.exit(`stops: ${error.message}`);
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
    if (voters.length > 2 && areAllBack && prng.chance(0.5))
      changes.push(change(ChangeType.removeNode, prng.pick(voters)));
    if (changes.length === 0) return;
    this.counts["changes"]!++;
    const transition = prng.pick<Transition>(["auto", "implicit", "explicit"]);
    group.changeMembers({ transition, changes }).catch(ignoreRefusal);
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

/** What nothing was written for is `refused`; `undefined`: it is unknown what came of it. */
async function outcomeOf<T>(answer: Promise<T | undefined>): Promise<T | undefined | "refused"> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof AshlarError)) throw error;
    return error.code === "NO_LEADER" || error.code === "OVERLOADED" ? "refused" : undefined;
  }
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
