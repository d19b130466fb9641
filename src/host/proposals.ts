import { assert } from "../std/assert.ts";
import type { BatchName } from "./entry.ts";
import { hostFailure } from "./errors.ts";

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
}

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
  sentAtTick: number;
}

/**
 * The commands of this node's callers, from `propose` to their answer. A batch that its leader has overwritten is
 * proposed again: its entry can never be committed once another stands in its place. One that went to another node
 * and is not heard of any more may have been lost or not: that is what OUTCOME_UNKNOWN says.
 */
export class Proposals<Result> {
  readonly #life: number;
  readonly #limits: ProposalLimits;
  #queue: Proposal<Result>[] = [];
  /** In the order in which they were sent. */
  readonly #sent = new Map<number, Batch<Result>>();
  /** Those with an index, in its order; some are answered already. */
  #led: Batch<Result>[] = [];
  #sequence = 0;
  #waiting = 0;
  #waitingBytes = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(life: number, limits: ProposalLimits) {
    this.#life = life;
    this.#limits = limits;
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
    return { life: this.#life, sequence: ++this.#sequence, proposals, commands, index: 0, sentAtTick: 0 };
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
    if (life !== this.#life) return;
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

  /** A snapshot took the place of entries: whether those that this node had put there were among them is not known. */
  skippedTo(index: number): void {
    for (const batch of this.#led) {
      if (batch.index <= index && this.#sent.delete(batch.sequence)) {
        for (const proposal of batch.proposals) this.#refuse(proposal, hostFailure("OUTCOME_UNKNOWN"));
      }
    }
    this.#led = this.#led.filter((batch) => batch.index > index);
  }

  /** Gives up on what has waited too long. */
  expire(tick: number): void {
    this.#expireQueue(tick);
    const due = tick - this.#limits.timeoutTicks;
    for (const [sequence, batch] of this.#sent) {
      if (batch.sentAtTick > due) break;
      this.#sent.delete(sequence);
      for (const proposal of batch.proposals) this.#refuse(proposal, hostFailure("OUTCOME_UNKNOWN"));
    }
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
