import type { Timers } from "../env/index.ts";
import type { Log } from "../log/index.ts";
import { assert } from "../std/assert.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { hostFailure } from "./errors.ts";
import type { Entry, Group, StateMachine } from "./state-machine.ts";

const SOLO_TERM = 1;
const REPLAY_BYTES = 8 * 1024 * 1024;

export interface SoloGroupOptions<Result> {
  readonly log: Log;
  readonly timers: Timers;
  readonly group: number;
  readonly machine: StateMachine<Result>;
  /** Called once if the machine fails on durable entries: the node must stop, a restart applies them again. Default: throws. */
  readonly onFatal?: (error: Error) => void;
  readonly limits?: Partial<SoloGroupLimits>;
}

export interface SoloGroupLimits {
  /** Commands that are proposed and not yet answered. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** A turn's commands are cut into entries of about this size. */
  readonly entryBytesMax: number;
}

const DEFAULT_LIMITS: SoloGroupLimits = {
  waitingMax: 20_000,
  waitingBytesMax: 64 * 1024 * 1024,
  entryBytesMax: 1024 * 1024,
};

/**
 * A group of one: an entry is committed as soon as this node's log has synced it, and is applied then. What is proposed in one turn
 * of the event loop becomes one entry; what is proposed while the log writes joins its next batch.
 */
export class SoloGroup<Result> implements Group<Result> {
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #group: number;
  readonly #machine: StateMachine<Result>;
  readonly #onFatal: (error: Error) => void;
  readonly #limits: SoloGroupLimits;
  #nextIndex: number;
  #turn: Proposal<Result>[] = [];
  #durable: Batch<Result>[] = [];
  #waiting = 0;
  #waitingBytes = 0;
  #stopped = false;
  #failed = false;
  #idle: (() => void) | undefined;

  /** Replays what the machine lacks. Rejects with COMPACTED where the log no longer has it all, with LOG_BEHIND where it has less. */
  static async open<Result>(options: SoloGroupOptions<Result>): Promise<SoloGroup<Result>> {
    const { log, group, machine } = options;
    const index = log.group(group);
    if (machine.appliedIndex < index.compaction.index) {
      throw hostFailure("COMPACTED", {
        data: { group, applied: machine.appliedIndex, compacted: index.compaction.index },
      });
    }
    if (machine.appliedIndex > index.lastIndex) {
      throw hostFailure("LOG_BEHIND", { data: { group, applied: machine.appliedIndex, last: index.lastIndex } });
    }
    while (machine.appliedIndex < index.lastIndex) {
      const stored = await log.readEntries(group, machine.appliedIndex + 1, index.lastIndex, REPLAY_BYTES);
      machine.apply(stored.map((entry) => decodeEntry(entry.index, entry.term, entry.bytes)));
      assert(machine.appliedIndex === stored.at(-1)!.index, "a machine applies what it is fed");
    }
    return new SoloGroup(options);
  }

  private constructor(options: SoloGroupOptions<Result>) {
    this.#log = options.log;
    this.#timers = options.timers;
    this.#group = options.group;
    this.#machine = options.machine;
    this.#onFatal = options.onFatal ?? rethrow;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#nextIndex = options.log.group(options.group).lastIndex + 1;
  }

  propose(command: Uint8Array): Promise<Result> {
    if (this.#stopped) return Promise.reject(hostFailure("STOPPED"));
    const { waitingMax, waitingBytesMax } = this.#limits;
    if (this.#waiting >= waitingMax || this.#waitingBytes + command.length > waitingBytesMax) {
      return Promise.reject(hostFailure("OVERLOADED", { data: { waiting: this.#waiting, bytes: this.#waitingBytes } }));
    }
    this.#waiting++;
    this.#waitingBytes += command.length;
    return new Promise((resolve, reject) => {
      if (this.#turn.length === 0) this.#timers.endOfTurn(() => this.#endTurn());
      this.#turn.push({ command, resolve, reject });
    });
  }

  readBarrier(): Promise<void> {
    return APPLIED;
  }

  async compact(index: number): Promise<void> {
    assert(index <= this.#machine.appliedIndex, "only applied entries are compacted");
    const term = this.#log.group(this.#group).termOf(index);
    if (term === undefined || index <= this.#log.group(this.#group).compaction.index) return;
    await new Promise<void>((resolve, reject) => {
      const mark = { kind: "compaction", group: this.#group, index, term } as const;
      this.#log.append([mark], (error) => (error === undefined ? resolve() : reject(error)));
    });
    await this.#log.release();
  }

  get logBytesSinceCompaction(): number {
    return this.#log.group(this.#group).entryBytes;
  }

  /** Takes no more proposals and waits for those that are under way. The log stays open: it is its owner's. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    if (this.#waiting > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  #endTurn(): void {
    const turn = this.#turn;
    this.#turn = [];
    // An append an entry: a turn may hold more than a segment of the log, which takes an append as a whole.
    for (const proposals of cut(turn, this.#limits.entryBytesMax)) this.#append(proposals);
  }

  #append(proposals: readonly Proposal<Result>[]): void {
    const group = this.#group;
    const entry = { index: this.#nextIndex++, term: SOLO_TERM, commands: proposals.map(({ command }) => command) };
    const { index: firstIndex, term, commands } = entry;
    const record = { kind: "entries", group, firstIndex, term, entries: [encodeEntry(commands)] } as const;
    this.#log.append([record], (error) => {
      if (error !== undefined) this.#refuse(proposals, error);
      else this.#committed({ entry, proposals });
    });
  }

  /** The log reports all appends of one write in a row; they are applied together, in one transaction of the machine's. */
  #committed(batch: Batch<Result>): void {
    this.#durable.push(batch);
    if (this.#durable.length === 1) queueMicrotask(() => this.#applyDurable());
  }

  #applyDurable(): void {
    const batches = this.#durable;
    this.#durable = [];
    const proposals = batches.flatMap((batch) => batch.proposals);
    if (this.#failed) {
      this.#refuse(proposals, hostFailure("STOPPED"));
      return;
    }
    try {
      const results = this.#machine.apply(batches.map((batch) => batch.entry)).flat();
      assert(results.length === proposals.length, "a machine gives one result a command");
      for (const [at, proposal] of proposals.entries()) {
        this.#release(proposal);
        proposal.resolve(results[at]!);
      }
    } catch (error) {
      this.#failed = true;
      this.#refuse(proposals, error as Error);
      this.#onFatal(error as Error);
    }
  }

  #refuse(proposals: readonly Proposal<Result>[], cause: Error): void {
    this.#stopped = true;
    for (const proposal of proposals) {
      this.#release(proposal);
      proposal.reject(hostFailure("STOPPED", { cause }));
    }
  }

  #release(proposal: Proposal<Result>): void {
    this.#waiting--;
    this.#waitingBytes -= proposal.command.length;
    if (this.#waiting === 0) this.#idle?.();
  }
}

function rethrow(error: Error): never {
  throw error;
}

const APPLIED = Promise.resolve();

interface Proposal<Result> {
  readonly command: Uint8Array;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

interface Batch<Result> {
  readonly entry: Entry;
  readonly proposals: readonly Proposal<Result>[];
}

function* cut<Result>(turn: readonly Proposal<Result>[], bytesMax: number): Generator<Proposal<Result>[]> {
  let piece: Proposal<Result>[] = [];
  let bytes = 0;
  for (const proposal of turn) {
    const { length } = proposal.command;
    if (piece.length > 0 && bytes + length > bytesMax) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(proposal);
    bytes += length;
  }
  yield piece;
}
