import {
  type Configuration,
  decodeMessage,
  type Entry,
  encodeMessage,
  type HardState,
  isConfChange,
  type Message,
  MessageType,
  type RaftBug,
  RaftNode,
  type ReadState,
  type Ready,
  type Role,
  type Snapshot,
} from "../../../core/raft/index.ts";
import { AshlarError } from "../../../std/errors.ts";
import { invariant, type NodeContext } from "../../kernel/index.ts";
import { type Chain, chained, decodeChain, EMPTY_CHAIN, encodeChain } from "./chain.ts";
import { DiskLog, type LogWork } from "./disk-log.ts";
import type { RaftCoreKnobs } from "./knobs.ts";
import { checkPromise } from "./promises.ts";

export interface MemberParts {
  readonly knobs: RaftCoreKnobs;
  readonly bugs: ReadonlySet<RaftBug>;
  /** What a founder begins with; undefined for a node that joins later. */
  readonly first: Snapshot | undefined;
  readonly observer: MemberObserver;
}

/** Hears of what the invariants are about. */
export interface MemberObserver {
  becameLeader(member: Member, term: number): void;
  voted(member: Member, term: number, candidate: number): void;
  /** A leader has found that all up to the index is committed. Told where nothing has changed since then. */
  committed(member: Member, index: number, term: number): void;
  applied(member: Member, entry: Entry, chain: Chain): void;
  adopted(member: Member, index: number, chain: Chain): void;
  read(member: Member, state: ReadState): void;
}

/** Datagrams say nothing about what becomes of a snapshot: after so many ticks it counts as lost. */
const SNAPSHOT_TICKS = 30;

/**
 * One run of one process: a core, its log on disk, and the loop that does what each Ready says. The smallest owner that
 * keeps the rules of Ready, in both ways of writing.
 */
export class Member {
  readonly id: number;
  readonly log: DiskLog;
  readonly #context: NodeContext;
  readonly #parts: MemberParts;
  readonly #isAsync: boolean;
  #node: RaftNode | undefined;
  #hardState: HardState | undefined;
  #role: Role = "follower";
  #configuration: Configuration;
  #applied = 0;
  #chain: Chain = EMPTY_CHAIN;
  /** Of those that this node proposed while it leads. */
  #lastChange = 0;
  /** One Ready after the other: the present one waits for the disk. */
  #isPersisting = false;
  /** Asynchronous storage: what waits for the disk, and for the state machine. */
  #appends: Message[] = [];
  #applies: Message[] = [];
  #isAppending = false;
  #isApplying = false;

  constructor(context: NodeContext, parts: MemberParts) {
    this.id = context.id;
    this.log = new DiskLog(context.env.disk, parts.knobs.logFileBytesMax);
    this.#context = context;
    this.#parts = parts;
    this.#isAsync = parts.knobs.raft.asyncStorageWrites === true;
    this.#configuration = this.log.storage.configuration;
  }

  /** Undefined while the log is being read. */
  get node(): RaftNode | undefined {
    return this.#node;
  }

  get role(): Role {
    return this.#role;
  }

  get applied(): number {
    return this.#applied;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  async start(): Promise<void> {
    const { knobs, bugs, first } = this.#parts;
    const { env, hasLostDisk } = this.#context;
    const isFounder = first !== undefined && !hasLostDisk;
    await this.log.open(isFounder ? first : undefined);
    const { storage } = this.log;
    this.#hardState = storage.hardState;
    this.#adopt(storage.snapshot()!);
    this.#node = new RaftNode({
      ...knobs.raft,
      id: this.id,
      storage,
      applied: this.#applied,
      random: () => env.random.u32() / 0x1_0000_0000,
      // An empty disk: whether the id was a member before is not for the newcomer to say.
      lostDisk: !isFounder,
      bugs,
    });
    this.#context.trace("open", `log from ${storage.firstIndex} to ${storage.lastIndex}`);
    this.#context.receive((_, bytes) => this.#receive(bytes));
    this.#tickAfter((knobs.tickMillis * env.random.u32()) / 0x1_0000_0000);
    this.#work();
  }

  /** Whatever a client or an operator wants of the core; what the core refuses is refused. */
  ask(what: (node: RaftNode) => void): void {
    const node = this.#node;
    if (node === undefined) return;
    passRefusals(() => what(node));
    this.#work();
  }

  /** Makes a snapshot of what is applied and gives up the log before it. */
  compact(): void {
    if (!this.#takeSnapshot()) return;
    this.log.storage.compact(this.#applied);
    this.#context.trace("compact", `up to ${this.#applied}`);
  }

  #takeSnapshot(): boolean {
    const { storage } = this.log;
    if (this.#applied <= storage.snapshot()!.index || this.#applied > storage.lastIndex) return false;
    storage.createSnapshot(this.#applied, this.#configuration, encodeChain(this.#chain));
    return true;
  }

  #tickAfter(delayMillis: number): void {
    this.#context.env.timers.after(delayMillis, () => {
      this.#node!.tick();
      this.#work();
      this.#tickAfter(this.#parts.knobs.tickMillis);
    });
  }

  #receive(bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    passRefusals(() => this.#node!.step(message));
    this.#work();
  }

  /** Does what there is to do, as far as it does not have to wait for the disk. */
  #work(): void {
    const node = this.#node!;
    while (!this.#isPersisting && this.#context.isAlive && node.hasReady) {
      const ready = node.ready();
      this.#observe(ready);
      if (this.#isAsync) this.#route(ready.messages);
      else if (ready.mustSync || ready.snapshot !== undefined) this.#context.watch(this.#persist(ready));
      else this.#goOn(ready);
    }
  }

  #observe({ softState, hardState, readStates, entries }: Ready): void {
    if (this.#role === "leader" && softState === undefined) this.#checkLeader(hardState, entries);
    if (hardState !== undefined) {
      const known = this.#hardState;
      invariant(hardState.term >= (known?.term ?? 0), "a node's term goes back");
      invariant(hardState.commit >= (known?.commit ?? 0), "a node's commit index goes back");
      this.#hardState = hardState;
    }
    if (softState !== undefined) {
      this.#role = softState.role;
      this.#lastChange = 0;
      if (this.#context.isTraced) {
        this.#context.trace(
          "role",
          `${softState.role} in term ${this.#hardState?.term ?? 0}, leader ${softState.lead}`,
        );
      }
    }
    const isNews = softState !== undefined || hardState !== undefined;
    if (isNews && this.#role === "leader") this.#parts.observer.becameLeader(this, this.#hardState!.term);
    for (const state of readStates) this.#parts.observer.read(this, state);
  }

  #goOn(ready: Ready): void {
    if (ready.hardState !== undefined) this.log.putOff(ready.hardState);
    this.#finish(ready, ready.messages);
  }

  /** What a leader does while it leads: the rule of section 5.4.2, and one change of membership at a time. */
  #checkLeader(hardState: HardState | undefined, entries: readonly Entry[]): void {
    const known = this.#hardState;
    if (hardState !== undefined && hardState.term === known?.term && hardState.commit > known.commit) {
      const term = this.#node!.term(hardState.commit);
      invariant(term === hardState.term, "a leader commits an entry of an older term by counting");
      // Else its members may have changed while it wrote to the disk.
      if (this.#isAsync) this.#parts.observer.committed(this, hardState.commit, term);
    }
    for (const entry of entries) {
      if (!isConfChange(entry)) continue;
      invariant(this.#lastChange <= this.#applied, "two changes of membership are under way at once");
      this.#lastChange = entry.index;
    }
  }

  async #persist(ready: Ready): Promise<void> {
    this.#isPersisting = true;
    // What promises nothing may leave before the disk has it.
    const early = ready.messages.filter(isNoPromise);
    for (const message of early) this.#send(message);
    await this.log.append([ready]);
    if (ready.snapshot !== undefined) this.#adopt(ready.snapshot);
    this.#isPersisting = false;
    this.#finish(
      ready,
      ready.messages.filter((message) => !isNoPromise(message)),
    );
    this.#work();
  }

  #finish(ready: Ready, messages: readonly Message[]): void {
    for (const message of messages) this.#send(message);
    this.#apply(ready.committedEntries);
    this.#node!.advance();
  }

  #route(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === MessageType.storageAppend) this.#appends.push(message);
      else if (message.type === MessageType.storageApply) this.#applies.push(message);
      else this.#send(message);
    }
    if (!this.#isAppending && this.#appends.length > 0) this.#context.watch(this.#append());
    if (!this.#isApplying && this.#applies.length > 0) this.#startApplying();
  }

  /** All that waits goes to the disk at once. */
  async #append(): Promise<void> {
    this.#isAppending = true;
    while (this.#appends.length > 0) {
      const batch = this.#appends;
      this.#appends = [];
      await this.log.append(batch as readonly LogWork[]);
      for (const { snapshot } of batch) if (snapshot !== undefined) this.#adopt(snapshot);
      for (const { responses } of batch) this.#respond(responses);
    }
    this.#isAppending = false;
    this.#work();
  }

  #startApplying(): void {
    this.#isApplying = true;
    const { env } = this.#context;
    const millis = (this.#parts.knobs.applyMillisMax * env.random.u32()) / 0x1_0000_0000;
    env.timers.after(millis, () => {
      this.#isApplying = false;
      const message = this.#applies.shift()!;
      this.#apply(message.entries);
      this.#respond(message.responses);
      if (this.#applies.length > 0 && !this.#isApplying) this.#startApplying();
      this.#work();
    });
  }

  #respond(responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === this.id) passRefusals(() => this.#node!.step(response));
      else this.#send(response);
    }
  }

  #send(message: Message): void {
    checkPromise(message, this.log.storage);
    if (message.type === MessageType.voteResponse && !message.reject) {
      this.#parts.observer.voted(this, message.term, message.to);
    }
    this.#context.send(message.to, encodeMessage(message));
    if (message.type !== MessageType.snapshot) return;
    this.#context.env.timers.after(SNAPSHOT_TICKS * this.#parts.knobs.tickMillis, () => {
      this.ask((node) => node.reportSnapshot(message.to, false));
    });
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // A snapshot has overtaken it.
      if (entry.index <= this.#applied) continue;
      invariant(entry.index === this.#applied + 1, "an entry is left out when entries are applied");
      this.#chain = chained(this.#chain, entry);
      this.#applied = entry.index;
      this.#parts.observer.applied(this, entry, this.#chain);
      if (!isConfChange(entry)) continue;
      this.#configuration = this.#node!.applyConfChange(entry);
      if (this.#context.isTraced) this.#context.trace("members", membersText(this.#configuration));
      // A new member takes no snapshot that is older than its membership.
      this.#takeSnapshot();
    }
  }

  #adopt(snapshot: Snapshot): void {
    if (snapshot.index <= this.#applied) return;
    this.#applied = snapshot.index;
    this.#configuration = snapshot.configuration;
    this.#chain = decodeChain(snapshot.data);
    this.#parts.observer.adopted(this, snapshot.index, this.#chain);
  }
}

function isNoPromise({ type }: Message): boolean {
  return type === MessageType.append || type === MessageType.heartbeat;
}

/** An operating error of the core's is its right to refuse. */
function passRefusals(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof AshlarError)) throw error;
  }
}

function membersText({ voters, votersOutgoing, learners, witnesses }: Configuration): string {
  const outgoing = votersOutgoing.length === 0 ? "" : ` outgoing ${votersOutgoing}`;
  const silent = witnesses.length === 0 ? "" : ` witnesses ${witnesses}`;
  return `voters ${voters}${outgoing}${learners.length === 0 ? "" : ` learners ${learners}`}${silent}`;
}
