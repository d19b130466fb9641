import { EMPTY } from "../../../std/bytes.ts";
import type { Prng } from "../../../std/prng.ts";
import { isConfChange } from "../conf-change.ts";
import { type Configuration, EMPTY_CONFIGURATION } from "../configuration.ts";
import { MemoryStorage } from "../memory-storage.ts";
import { type Entry, type HardState, type Message, MessageType, type ReadState, type Snapshot } from "../messages.ts";
import { RaftNode } from "../node.ts";
import type { RaftOptions } from "../options.ts";

export interface SimHooks {
  send(message: Message): void;
  applied(entry: Entry): void;
  read(state: ReadState): void;
}

/** One process with its disk: what was synced survives a crash, what was handed to the disk and not synced does not. */
export class SimNode {
  readonly id: number;
  readonly #prng: Prng;
  readonly #options: Partial<RaftOptions>;
  readonly #hooks: SimHooks;
  /** Whether it may die between its disk and the network. */
  isFrail = true;
  #storage = new MemoryStorage();
  #node: RaftNode | undefined;
  #configuration: Configuration = EMPTY_CONFIGURATION;
  #applied = 0;
  #appendWork: Message[] = [];
  #applyWork: Message[] = [];
  /** From the node's own threads: these are never lost while the process lives, and keep their order. */
  #local: Message[] = [];

  constructor(id: number, prng: Prng, options: Partial<RaftOptions>, first: Snapshot | undefined, hooks: SimHooks) {
    this.id = id;
    this.#prng = prng;
    this.#options = options;
    this.#hooks = hooks;
    if (first !== undefined) this.#storage.applySnapshot(first);
    this.start(false);
  }

  get isUp(): boolean {
    return this.#node !== undefined;
  }

  get node(): RaftNode {
    return this.#node!;
  }

  get storage(): MemoryStorage {
    return this.#storage;
  }

  crash(): void {
    this.#node = undefined;
    this.#appendWork = [];
    this.#applyWork = [];
    this.#local = [];
  }

  start(lostDisk: boolean): void {
    if (lostDisk) this.#storage = new MemoryStorage();
    this.#applied = this.#storage.snapshot()!.index;
    this.#configuration = this.#storage.configuration;
    const random = (): number => this.#prng.unit();
    const { id } = this;
    this.#node = new RaftNode({
      ...this.#options,
      id,
      storage: this.#storage,
      applied: this.#applied,
      random,
      lostDisk,
    });
  }

  /** One thing that this process could do next; false where it has nothing to do. */
  work(): boolean {
    const node = this.#node;
    if (node === undefined) return false;
    const local = this.#local.shift();
    if (local !== undefined) {
      this.#step(local);
      return true;
    }
    if (this.#appendWork.length > 0 && this.#prng.chance(0.5)) {
      this.#append(this.#appendWork.shift()!);
      return true;
    }
    if (this.#applyWork.length > 0 && this.#prng.chance(0.5)) {
      this.#applyMessage(this.#applyWork.shift()!);
      return true;
    }
    if (node.hasReady) {
      this.#ready(node);
      return true;
    }
    return this.#appendWork.length > 0 || this.#applyWork.length > 0;
  }

  receive(message: Message): void {
    if (this.#node !== undefined) this.#step(message);
  }

  /** Makes a snapshot of what is applied and gives up the log before it. */
  compact(): void {
    if (this.#applied <= this.#storage.snapshot()!.index || this.#applied > this.#storage.lastIndex) return;
    this.#storage.createSnapshot(this.#applied, this.#configuration, EMPTY);
    this.#storage.compact(this.#applied);
  }

  #step(message: Message): void {
    try {
      this.node.step(message);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "PEER_UNKNOWN" && code !== "PROPOSAL_DROPPED") throw error;
    }
  }

  #ready(node: RaftNode): void {
    const ready = node.ready();
    for (const state of ready.readStates) this.#hooks.read(state);
    if (this.#options.asyncStorageWrites !== true) {
      this.#persist(ready.hardState, ready.entries, ready.snapshot);
      // A process may die at any point between its disk and the network.
      if (this.isFrail && this.#prng.chance(0.005)) {
        this.crash();
        return;
      }
      for (const message of ready.messages) this.#hooks.send(message);
      this.#apply(ready.committedEntries);
      node.advance();
      return;
    }
    for (const message of ready.messages) {
      if (message.type === MessageType.storageAppend) this.#appendWork.push(message);
      else if (message.type === MessageType.storageApply) this.#applyWork.push(message);
      else this.#hooks.send(message);
    }
  }

  #append(message: Message): void {
    this.#persist(message.hardState, message.entries, message.snapshot);
    this.#respond(message.responses);
  }

  #applyMessage(message: Message): void {
    this.#apply(message.entries);
    this.#respond(message.responses);
  }

  #respond(responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === this.id) this.#local.push(response);
      else this.#hooks.send(response);
    }
  }

  #persist(hardState: HardState | undefined, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    if (hardState !== undefined) this.#storage.setHardState(hardState);
    if (snapshot !== undefined) {
      this.#storage.applySnapshot(snapshot);
      this.#applied = snapshot.index;
      this.#configuration = snapshot.configuration;
    }
    this.#storage.append(entries);
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // A snapshot has overtaken it.
      if (entry.index <= this.#applied) continue;
      this.#hooks.applied(entry);
      this.#applied = entry.index;
      if (!isConfChange(entry)) continue;
      this.#configuration = this.node.applyConfChange(entry);
      if (entry.index <= this.#storage.lastIndex) {
        this.#storage.createSnapshot(entry.index, this.#configuration, EMPTY);
      }
    }
  }
}
