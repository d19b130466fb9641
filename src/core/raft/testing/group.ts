import { EMPTY, text, utf8 } from "../../../std/bytes.ts";
import { AshlarError } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { type Change, type ConfChange, isConfChange, type Transition } from "../conf-change.ts";
import { type Configuration, configurationOf } from "../configuration.ts";
import { MemoryStorage } from "../memory-storage.ts";
import { type Entry, EntryType, type HardState, type Message, type MessageType, type ReadState } from "../messages.ts";
import { RaftNode } from "../node.ts";
import type { RaftOptions } from "../options.ts";

export interface MemberState {
  readonly id: number;
  readonly node: RaftNode;
  readonly storage: MemoryStorage;
  /** Data of applied entries, "" for those without any. */
  readonly applied: string[];
  readonly reads: ReadState[];
}

/** A few nodes and a network that does what a test says; all in the caller's hands, one message after the other. */
export class Group {
  readonly members: Map<number, MemberState> = new Map();
  /** Delivered messages, all of them. */
  readonly log: Message[] = [];
  readonly #options: Partial<RaftOptions>;
  #messages: Message[] = [];
  readonly #founded: Configuration;
  readonly #isolated = new Set<number>();
  #dropped: (message: Message) => boolean = () => false;

  constructor(voters: readonly number[], options: Partial<RaftOptions> = {}, first: Partial<Configuration> = {}) {
    this.#options = { preVote: false, checkQuorum: false, ...options };
    this.#founded = configurationOf({ voters, ...first });
    for (const id of [...this.#founded.voters, ...this.#founded.learners]) this.add(id);
  }

  /** With the terms of the entries that the node starts with, from index 1. Who founded the group is known to all. */
  add(id: number, terms: readonly number[] = [], hardState?: HardState): MemberState {
    const storage = new FoundedStorage(this.#founded);
    storage.append(
      terms.map((term, at) => ({ term, index: at + 1, type: EntryType.normal, data: utf8(`${term}.${at + 1}`) })),
    );
    if (hardState !== undefined) storage.setHardState(hardState);
    return this.#start(id, storage);
  }

  /** On what is stored, with nothing applied. */
  restart(id: number): MemberState {
    return this.#start(id, this.member(id).storage);
  }

  #start(id: number, storage: MemoryStorage): MemberState {
    const prng = new Prng(id);
    const node = new RaftNode({ ...this.#options, id, storage, random: () => prng.unit() });
    const member = { id, node, storage, applied: [], reads: [] };
    this.members.set(id, member);
    return member;
  }

  member(id: number): MemberState {
    return this.members.get(id)!;
  }

  node(id: number): RaftNode {
    return this.member(id).node;
  }

  get leader(): number {
    const leaders = [...this.members.values()].map(({ node }) => node.status).filter(({ role }) => role === "leader");
    return leaders.reduce((a, b) => (b.term > a.term ? b : a), { term: -1, id: 0 }).id;
  }

  isolate(...ids: readonly number[]): void {
    for (const id of ids) this.#isolated.add(id);
  }

  heal(): void {
    this.#isolated.clear();
    this.#dropped = () => false;
  }

  drop(which: (message: Message) => boolean): void {
    this.#dropped = which;
  }

  campaign(id: number): this {
    this.node(id).campaign();
    return this.settle();
  }

  propose(id: number, data: string): this {
    this.node(id).propose(utf8(data));
    return this.settle();
  }

  change(id: number, transition: Transition, ...changes: readonly Change[]): this {
    const conf: ConfChange = { transition, changes, context: EMPTY };
    this.node(id).proposeConfChange(conf);
    return this.settle();
  }

  tick(id: number, count = 1): this {
    for (let left = count; left > 0; left--) this.node(id).tick();
    return this;
  }

  /** Takes what the node has to do; returns what it would send, which is then on its way. */
  work(id: number): readonly Message[] {
    const member = this.member(id);
    const { node, storage } = member;
    const sent: Message[] = [];
    while (node.hasReady) {
      const ready = node.ready();
      if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
      if (ready.snapshot !== undefined) storage.applySnapshot(ready.snapshot);
      storage.append(ready.entries);
      member.reads.push(...ready.readStates);
      for (const entry of ready.committedEntries) this.#apply(member, entry);
      sent.push(...ready.messages);
      node.advance();
    }
    this.#messages.push(...sent);
    return sent;
  }

  /** Until nobody has anything left to do or to hear. */
  settle(): this {
    for (let round = 0; round < 1000; round++) {
      for (const id of this.members.keys()) this.work(id);
      if (this.#messages.length === 0) return this;
      const messages = this.#messages;
      this.#messages = [];
      for (const message of messages) this.deliver(message);
    }
    return this;
  }

  deliver(message: Message): void {
    if (this.#isolated.has(message.from) || this.#isolated.has(message.to) || this.#dropped(message)) return;
    this.log.push(message);
    try {
      this.members.get(message.to)?.node.step(message);
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
    }
  }

  /** What is under way is lost. */
  forget(): void {
    this.#messages = [];
  }

  count(type: MessageType): number {
    return this.log.filter((message) => message.type === type).length;
  }

  terms(id: number): readonly number[] {
    const { firstIndex, lastIndex } = this.node(id).status;
    return Array.from({ length: lastIndex - firstIndex + 1 }, (_, at) => this.node(id).term(firstIndex + at)!);
  }

  #apply(member: MemberState, entry: Entry): void {
    if (isConfChange(entry)) member.node.applyConfChange(entry);
    else member.applied.push(text(entry.data));
  }
}

/** Knows its group from the start, without a snapshot. */
class FoundedStorage extends MemoryStorage {
  readonly #founded: Configuration;

  constructor(configuration: Configuration) {
    super();
    this.#founded = configuration;
  }

  override get configuration(): Configuration {
    return this.snapshot()!.index > 0 ? super.configuration : this.#founded;
  }
}
