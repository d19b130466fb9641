import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Entry,
  EntryType,
  isConfChange,
  type Message,
  MessageType,
  RaftNode,
  type RaftStatus,
  type Snapshot,
} from "../../../core/raft/index.ts";
import type { SimScheduler } from "../../../env/sim/in-browser.ts";
import { hasCode } from "../../../std/errors.ts";
import type { Prng } from "../../../std/prng.ts";
import { VirtualDisk } from "./disk.ts";
import type { Weight } from "./journal.ts";
import { labelOf } from "./labels.ts";
import { applied, decodeState, EMPTY_STATE, encodeState, type MachineState } from "./machine.ts";
import { INBOX_MAX, LOG_ENTRIES_KEPT, LOG_ENTRIES_MAX, TIMING, UNCOMMITTED_BYTES_MAX } from "./timing.ts";

export type MemberState = "running" | "paused" | "crashed";

export interface MemberHooks {
  send(message: Message): void;
  /** The state machine was given an entry. */
  applied(member: Member, entry: Entry): void;
  /** It leads a new term. */
  elected(member: Member): void;
  /** Its log is another one than before. */
  logged(): void;
  write(text: string, weight?: Weight): void;
}

/**
 * One machine of the group: a process around the very RaftNode of production, on a disk of its own. The process ends and begins again; the
 * disk stays. While the process stands still, what comes to it waits.
 */
export class Member {
  readonly id: number;
  readonly disk: VirtualDisk;
  readonly #scheduler: SimScheduler;
  readonly #prng: Prng;
  readonly #hooks: MemberHooks;
  #node: RaftNode | undefined;
  #isPaused = false;
  #inbox: (() => void)[] = [];
  #waitingMessages = 0;
  #applyWork: Message[] = [];
  #isApplying = false;
  #machine: MachineState = EMPTY_STATE;
  #applied = 0;
  #configuration: Configuration = EMPTY_CONFIGURATION;
  /** Of the process: what an earlier one began does not end in a later one. */
  #life = 0;
  #told: Pick<RaftStatus, "role" | "term" | "lead"> = { role: "follower", term: 0, lead: 0 };

  constructor(id: number, scheduler: SimScheduler, prng: Prng, first: Snapshot, hooks: MemberHooks) {
    this.id = id;
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#hooks = hooks;
    this.disk = new VirtualDisk(first);
    this.start();
    scheduler.after(1 + prng.below(TIMING.tickMillis), `tick ${id}`, () => this.#tick());
  }

  get state(): MemberState {
    if (this.#node === undefined) return "crashed";
    return this.#isPaused ? "paused" : "running";
  }

  /** Undefined while its process does not run. */
  get node(): RaftNode | undefined {
    return this.#node;
  }

  get machine(): MachineState {
    return this.#machine;
  }

  get applied(): number {
    return this.#applied;
  }

  get waitingMessages(): number {
    return this.#waitingMessages;
  }

  /** Begins on what the disk holds. One that finds nothing there has lost it: every node of this group has run before. */
  start(): void {
    const { storage } = this.disk;
    const snapshot = storage.snapshot()!;
    this.#life++;
    this.#machine = decodeState(snapshot.data);
    this.#applied = snapshot.index;
    this.#configuration = snapshot.configuration;
    this.#told = { role: "follower", term: storage.hardState?.term ?? 0, lead: 0 };
    this.#node = new RaftNode({
      ...{ id: this.id, storage, applied: this.#applied, lostDisk: this.disk.isBlank },
      ...{ electionTicks: TIMING.electionTicks, heartbeatTicks: TIMING.heartbeatTicks },
      ...{ asyncStorageWrites: true, uncommittedBytesMax: UNCOMMITTED_BYTES_MAX, promotionLagMax: 4 },
      random: () => this.#prng.unit(),
    });
    this.work();
  }

  crash(): void {
    this.#node = undefined;
    this.#isPaused = false;
    this.#inbox = [];
    this.#waitingMessages = 0;
    this.#applyWork = [];
    this.#isApplying = false;
    this.disk.crash();
    this.#machine = EMPTY_STATE;
    this.#applied = 0;
    this.#life++;
    this.#hooks.logged();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const waiting = this.#inbox;
    this.#inbox = [];
    this.#waitingMessages = 0;
    for (const each of waiting) each();
    this.work();
  }

  /** False where it is lost: no process is there, or too much waits for one that stands still. */
  receive(message: Message): boolean {
    if (this.#node === undefined) return false;
    if (this.#isPaused && this.#waitingMessages >= INBOX_MAX) return false;
    if (this.#isPaused) this.#waitingMessages++;
    this.#enter(() => this.#step(message));
    return true;
  }

  /** Its transport tells that a message got lost. */
  noticeLoss(message: Message): void {
    this.#enter(() => {
      if (message.type === MessageType.snapshot) this.#node?.reportSnapshot(message.to, false);
      else this.#node?.reportUnreachable(message.to);
    });
  }

  /** Keeps the state as of what is applied and gives up the log before it, but for so many entries. False where nothing is new. */
  compact(entriesKept: number): boolean {
    const { storage } = this.disk;
    const at = this.#applied;
    if (this.#node === undefined || at > storage.lastIndex) return false;
    const isNewer = at > storage.snapshot()!.index;
    const upTo = at - entriesKept;
    if (!isNewer && upTo < storage.firstIndex) return false;
    if (isNewer) storage.createSnapshot(at, this.#configuration, encodeState(this.#machine));
    if (upTo >= storage.firstIndex) storage.compact(upTo);
    this.disk.changed();
    return true;
  }

  /** Does all that the node says is to be done. */
  work(): void {
    const node = this.#node;
    while (node !== undefined && node === this.#node && node.hasReady) {
      for (const message of node.ready().messages) this.#dispatch(message);
    }
    this.#tellRole();
  }

  #tick(): void {
    this.#scheduler.after(TIMING.tickMillis, `tick ${this.id}`, () => this.#tick());
    if (this.state !== "running") return;
    this.#node!.tick();
    this.work();
  }

  /** Runs in the process: now, or when it goes on; never if it ends before. */
  #enter(run: () => void): void {
    if (this.#node === undefined) return;
    if (this.#isPaused) {
      this.#inbox.push(run);
      return;
    }
    run();
    this.work();
  }

  #step(message: Message): void {
    try {
      this.#node?.step(message);
    } catch (error) {
      // A transport passes over what such a message asks for, as the host does.
      if (!hasCode(error, "PEER_UNKNOWN") && !hasCode(error, "PROPOSAL_DROPPED")) throw error;
    }
  }

  #dispatch(message: Message): void {
    if (message.type === MessageType.storageAppend) {
      this.#tellOverwritten(message.entries);
      this.disk.write(message);
      this.#hooks.logged();
      if (this.disk.isIdle) this.#sync();
    } else if (message.type === MessageType.storageApply) {
      this.#applyWork.push(message);
      if (!this.#isApplying) this.#applyNext();
    } else if (message.to === this.id) {
      this.#step(message);
    } else {
      this.#hooks.send(message);
    }
  }

  #sync(): void {
    if (!this.disk.beginSync()) return;
    const { syncMillisMin, syncMillisMax } = TIMING;
    const millis = syncMillisMin + this.#prng.below(syncMillisMax - syncMillisMin + 1);
    this.#later(millis, "sync", () => {
      const batch = this.disk.endSync();
      this.#enter(() => {
        for (const { snapshot, responses } of batch) {
          if (snapshot !== undefined) this.#restore(snapshot);
          this.#respond(responses);
        }
        if (this.disk.isIdle) this.#sync();
      });
    });
  }

  #applyNext(): void {
    const work = this.#applyWork.shift();
    this.#isApplying = work !== undefined;
    if (work === undefined) return;
    this.#later(TIMING.applyMillis, "apply", () =>
      this.#enter(() => {
        for (const entry of work.entries) this.#apply(entry);
        this.#respond(work.responses);
        this.#applyNext();
      }),
    );
  }

  #later(delayMillis: number, label: string, run: () => void): void {
    const life = this.#life;
    this.#scheduler.after(delayMillis, `${label} ${this.id}`, () => {
      if (life === this.#life) run();
    });
  }

  #respond(responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === this.id) this.#step(response);
      else this.#hooks.send(response);
    }
  }

  #restore(snapshot: Snapshot): void {
    if (snapshot.index <= this.#applied) return;
    this.#machine = decodeState(snapshot.data);
    this.#applied = snapshot.index;
    this.#configuration = snapshot.configuration;
    this.#hooks.write(`Node ${this.id} takes over the snapshot at index ${snapshot.index}.`, "notable");
  }

  #apply(entry: Entry): void {
    // A snapshot has overtaken it.
    if (entry.index <= this.#applied) return;
    this.#applied = entry.index;
    if (isConfChange(entry)) this.#configuration = this.#node!.applyConfChange(entry);
    else if (entry.type === EntryType.normal && entry.data.length > 0) {
      this.#machine = applied(this.#machine, labelOf(entry));
    }
    this.#hooks.applied(this, entry);
    // New members take no snapshot that is older than they are.
    if (isConfChange(entry)) this.compact(LOG_ENTRIES_MAX);
    if (this.disk.log.length > LOG_ENTRIES_MAX) this.compact(LOG_ENTRIES_KEPT);
  }

  #tellOverwritten(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined || first.index > this.disk.lastIndex) return;
    const replaced = this.disk.log.filter(({ entry }) => entry.index >= first.index);
    const old = replaced[0]?.entry;
    if (old === undefined || old.term === first.term) return;
    const upTo = replaced.at(-1)!.entry.index;
    const what = old.index === upTo ? `its entry ${old.index}` : `its entries ${old.index} to ${upTo}`;
    this.#hooks.write(
      `Node ${this.id} gives up ${what} of term ${old.term}, which was never committed, for term ${first.term}.`,
      "notable",
    );
  }

  #tellRole(): void {
    const node = this.#node;
    if (node === undefined) return;
    const { role, currentTerm: term, lead } = node;
    const before = this.#told;
    if (before.role === role && before.term === term && before.lead === lead) return;
    this.#told = { role, term, lead };
    if (role === "leader") {
      if (before.role === "leader" && before.term === term) return;
      this.#hooks.write(`Node ${this.id} leads term ${term}.`, "notable");
      this.#hooks.elected(this);
    } else if (before.role === "leader") {
      this.#hooks.write(`Node ${this.id} no longer leads: it is a follower in term ${term}.`, "notable");
    } else if (role === "pre-candidate" && before.role !== role) {
      this.#hooks.write(`Node ${this.id} asks whether it could win term ${term + 1}.`);
    } else if (role === "candidate") {
      this.#hooks.write(`Node ${this.id} stands for election in term ${term} and votes for itself.`);
    } else if (lead !== 0 && before.lead !== lead) {
      this.#hooks.write(`Node ${this.id} follows node ${lead} in term ${term}.`);
    }
  }
}
