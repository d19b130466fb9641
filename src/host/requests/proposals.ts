import { assert } from "../../std/assert.ts";
import { hostFailure } from "../errors.ts";
import { type HostBugs, NO_HOST_BUGS } from "../seeded-bugs.ts";
import type { BatchName } from "./entry.ts";

/** Of a command in its entry: its length stands before it. */
export const COMMAND_OVERHEAD_BYTES = 8;

export interface ProposalLimits {
  /** Commands that are proposed and not yet answered. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** A turn's commands are cut into entries of about this size. */
  readonly entryBytesMax: number;
  /** How long a proposal may wait for a leader, and then for its outcome. */
  readonly timeoutTicks: number;
  /**
   * When the connection to the leader broke, what was sent to it before is waited for so much longer at most, if it leads
   * on: it may have been lost on its way.
   */
  readonly doubtTicks: number;
}

const UNSENT = { sentAtTick: 0, isSkipped: false } as const;

/** Commands that are proposed together and answered together; they stand next to each other in one entry. */
interface Proposal<Result> {
  readonly commands: readonly Uint8Array[];
  readonly bytes: number;
  /** Takes its results out of the batch's, from there on. */
  readonly resolve: (results: readonly Result[], at: number) => void;
  readonly reject: (error: Error) => void;
  /** When the call came. */
  readonly tick: number;
}

/** What became one entry. */
export interface Batch<Result> extends BatchName {
  readonly proposals: readonly Proposal<Result>[];
  readonly commands: readonly Uint8Array[];
  /** Where this node, leading, put it; 0 where another node decides that. */
  index: number;
  /** Only that term's leader puts it into its log. */
  term: number;
  sentAtTick: number;
  /** It may be among entries that a snapshot took the place of. */
  isSkipped: boolean;
}

/**
 * The commands of this node's callers, from `propose` to their answer. A batch that its leader has overwritten is
 * proposed again: its entry can never be committed once another stands in its place. So is one that went to another
 * node, once an entry of a later term is decided: had it been decided itself, then before that entry. As long as
 * its leader leads on and nothing is heard of it, it may have been lost or not: that is what OUTCOME_UNKNOWN says.
 */
export class Proposals<Result> {
  readonly #life: number;
  readonly #limits: ProposalLimits;
  readonly #bugs: HostBugs;
  #queue: Proposal<Result>[] = [];
  /** In the order in which they were sent. */
  readonly #sent = new Map<number, Batch<Result>>();
  /** Those with an index, in its order; some are answered already. */
  #led: Batch<Result>[] = [];
  /** Since when it is open whether the leader got them at all, by sequence. */
  readonly #doubted = new Map<number, number>();
  /** Of the newest entry that was applied. */
  #settledTerm = 0;
  #sequence = 0;
  #waiting = 0;
  #waitingBytes = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(life: number, limits: ProposalLimits, bugs: HostBugs = NO_HOST_BUGS) {
    this.#life = life;
    this.#limits = limits;
    this.#bugs = bugs;
  }

  get isQueued(): boolean {
    return this.#queue.length > 0;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Throws OVERLOADED before anything has happened. Once the signal is aborted it rejects: with the signal's reason
   * where the command is in no log and will be in none, else with OUTCOME_UNKNOWN.
   */
  add(command: Uint8Array, tick: number, signal?: AbortSignal): Promise<Result> {
    const commands = [command];
    const { length } = command;
    this.#admit(1, length);
    return new Promise((resolve, reject) => {
      const take = (results: readonly Result[], at: number): void => resolve(results[at]!);
      const proposal = { commands, bytes: length, resolve: take, reject, tick };
      this.#queue.push(signal === undefined ? proposal : this.#abortable(proposal, signal));
    });
  }

  /** Commands that stay together. Throws as `add`. */
  addAll(commands: readonly Uint8Array[], tick: number): Promise<readonly Result[]> {
    let bytes = 0;
    for (const command of commands) bytes += command.length;
    const count = commands.length;
    this.#admit(count, bytes);
    return new Promise((resolve, reject) => {
      const take = (results: readonly Result[], at: number): void => {
        resolve(results.length === count ? results : results.slice(at, at + count));
      };
      this.#queue.push({ commands, bytes, resolve: take, reject, tick });
    });
  }

  /** Takes queued proposals for one entry; undefined where none wait. */
  nextBatch(): Batch<Result> | undefined {
    if (this.#queue.length === 0) return undefined;
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length) {
      const { bytes: more, commands } = this.#queue[count]!;
      bytes += more + commands.length * COMMAND_OVERHEAD_BYTES;
      if (count > 0 && bytes > this.#limits.entryBytesMax) break;
      count++;
    }
    const proposals = count === this.#queue.length ? this.#queue : this.#queue.slice(0, count);
    this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count);
    const commands: Uint8Array[] = [];
    for (const proposal of proposals) for (const command of proposal.commands) commands.push(command);
    return { life: this.#life, sequence: ++this.#sequence, proposals, commands, index: 0, term: 0, ...UNSENT };
  }

  /** The batch is on its way, in this node's log where it has an index. */
  sent(batch: Batch<Result>, tick: number): void {
    batch.sentAtTick = tick;
    this.#sent.set(batch.sequence, batch);
    if (batch.index > 0) this.#led.push(batch);
  }

  /** Nobody took it: it waits on, before the others. */
  putBack(batch: Batch<Result>): void {
    this.#queue = [...batch.proposals, ...this.#queue];
  }

  /** Another node says that no log has the batch. What has waited long enough is not sent again. */
  refused({ life, sequence }: BatchName, tick: number): void {
    const batch = life === this.#life ? this.#sent.get(sequence) : undefined;
    if (batch === undefined || batch.index > 0) return;
    this.#sent.delete(sequence);
    this.putBack(batch);
    this.#expireQueue(tick);
  }

  /** Of an entry that was applied: this node's own batch is answered. */
  applied({ life, sequence }: BatchName, results: readonly Result[]): void {
    if (life !== this.#life && !this.#bugs.has("answer-by-number-alone")) return;
    const batch = this.#sent.get(sequence);
    if (batch === undefined) return;
    assert(results.length === batch.commands.length, "a machine gives one result a command");
    this.#sent.delete(sequence);
    let at = 0;
    for (const proposal of batch.proposals) {
      this.#release(proposal);
      proposal.resolve(results, at);
      at += proposal.commands.length;
    }
  }

  /** All up to the index is applied: of what this node had put there, the rest has been overwritten. */
  appliedTo(index: number): void {
    let passed = 0;
    const lost: Proposal<Result>[] = [];
    for (; passed < this.#led.length && this.#led[passed]!.index <= index; passed++) {
      const batch = this.#led[passed]!;
      if (this.#sent.delete(batch.sequence)) lost.push(...batch.proposals);
    }
    if (passed > 0) this.#led = this.#led.slice(passed);
    if (lost.length > 0) this.#queue = [...lost, ...this.#queue];
  }

  /** All terms up to it are settled: worth asking for a later one only. */
  get settledTerm(): number {
    return this.#settledTerm;
  }

  /** An entry of that term is applied: what earlier ones' leaders were sent, and was not applied, never will be. */
  settle(term: number): void {
    if (term <= this.#settledTerm) return;
    this.#settledTerm = term;
    const lost: Proposal<Result>[] = [];
    for (const batch of this.#sent.values()) {
      if (batch.term >= term) continue;
      if (batch.isSkipped) this.#giveUp(batch);
      else if (this.#sent.delete(batch.sequence)) lost.push(...batch.proposals);
    }
    if (lost.length > 0) this.#queue = [...lost, ...this.#queue];
  }

  /** A snapshot took the place of entries: whether batches that are on their way were among them is not known. */
  skippedTo(index: number, term: number): void {
    for (const batch of this.#sent.values()) {
      if (batch.index > index) continue;
      if (batch.index > 0 || batch.term < term) this.#giveUp(batch);
      else batch.isSkipped = true;
    }
    this.#led = this.#led.filter((batch) => batch.index > index);
    this.settle(term);
  }

  /** The connection to the leader broke: what was sent to it may be lost. */
  doubt(tick: number): void {
    for (const { index, sequence } of this.#sent.values()) {
      if (index === 0 && !this.#doubted.has(sequence)) this.#doubted.set(sequence, tick);
    }
  }

  /** Gives up on what has waited too long. `ledTerm` is the term of the present leader, 0 for nobody. */
  expire(tick: number, ledTerm: number): void {
    this.#expireQueue(tick);
    const due = tick - this.#limits.timeoutTicks;
    for (const batch of this.#sent.values()) {
      if (batch.sentAtTick > due) break;
      this.#giveUp(batch);
    }
    for (const [sequence, since] of this.#doubted) {
      const batch = this.#sent.get(sequence);
      if (batch === undefined) this.#doubted.delete(sequence);
      // Where another one leads, its first entry settles it.
      else if (since + this.#limits.doubtTicks <= tick && batch.term === ledTerm) this.#giveUp(batch);
    }
  }

  #giveUp(batch: Batch<Result>): void {
    this.#sent.delete(batch.sequence);
    if (this.#bugs.has("propose-again-unheard")) this.putBack(batch);
    else for (const proposal of batch.proposals) this.#refuse(proposal, this.#unheard());
  }

  #unheard(): Error {
    return hostFailure(this.#bugs.has("refuse-unheard") ? "NO_LEADER" : "OUTCOME_UNKNOWN");
  }

  #expireQueue(tick: number): void {
    const due = tick - this.#limits.timeoutTicks;
    if (!this.#queue.some((proposal) => proposal.tick <= due)) return;
    const late = this.#queue.filter((proposal) => proposal.tick <= due);
    this.#queue = this.#queue.filter((proposal) => proposal.tick > due);
    for (const proposal of late) this.#refuse(proposal, hostFailure("NO_LEADER"));
  }

  /** The group goes on without this node, or the node ends. */
  stop(cause?: Error): void {
    const open = [...this.#sent.values()].flatMap((batch) => batch.proposals);
    this.#sent.clear();
    this.#doubted.clear();
    this.#led = [];
    const queued = this.#queue;
    this.#queue = [];
    for (const proposal of [...open, ...queued]) this.#refuse(proposal, hostFailure("STOPPED", cause && { cause }));
  }

  /** Resolves when everything is answered. */
  async idle(): Promise<void> {
    if (this.#waiting > 0) await (this.#idle ??= Promise.withResolvers<void>()).promise;
  }

  #abortable(proposal: Proposal<Result>, signal: AbortSignal): Proposal<Result> {
    const abort = (): void => {
      const at = this.#queue.indexOf(followed);
      if (at >= 0) {
        this.#queue = this.#queue.toSpliced(at, 1);
        this.#release(followed);
        proposal.reject(signal.reason as Error);
      } else {
        // It goes on to count until it is decided.
        proposal.reject(hostFailure("OUTCOME_UNKNOWN", { cause: signal.reason }));
      }
    };
    const followed: Proposal<Result> = {
      ...proposal,
      resolve: (results, at) => {
        signal.removeEventListener("abort", abort);
        proposal.resolve(results, at);
      },
      reject: (error) => {
        signal.removeEventListener("abort", abort);
        proposal.reject(error);
      },
    };
    signal.addEventListener("abort", abort, { once: true });
    return followed;
  }

  #admit(commands: number, bytes: number): void {
    const { waitingMax, waitingBytesMax } = this.#limits;
    if (this.#waiting + commands > waitingMax || this.#waitingBytes + bytes > waitingBytesMax) {
      throw hostFailure("OVERLOADED", { data: { waiting: this.#waiting, bytes: this.#waitingBytes } });
    }
    this.#waiting += commands;
    this.#waitingBytes += bytes;
  }

  #refuse(proposal: Proposal<Result>, error: Error): void {
    this.#release(proposal);
    proposal.reject(error);
  }

  #release(proposal: Proposal<Result>): void {
    this.#waiting -= proposal.commands.length;
    this.#waitingBytes -= proposal.bytes;
    if (this.#waiting > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
