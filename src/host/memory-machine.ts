import { EMPTY } from "../std/bytes.ts";
import { type ByteSource, collect, sourceOf } from "../std/source.ts";
import { hostFailure } from "./errors.ts";
import type { Capture, Entry, StateMachine } from "./state-machine.ts";

/** The simplest kind of machine: all of its state is in memory, and a snapshot of it is one array of bytes. */
export interface MemoryMachine<Result> {
  /**
   * Applies one command, at once, and says what its proposer gets. It decides by the command, its place in the log and
   * the state alone: no clock, no chance, nothing of this process. What it refuses is a result, too; what it throws
   * stops every member, for good.
   */
  apply(command: Uint8Array, context: CommandContext): Result;
  /** The whole state. The bytes are the caller's to keep. */
  snapshot(): Uint8Array;
  /** Takes the place of the whole state; no bytes at all are the state that a new machine has. */
  restore(bytes: Uint8Array): void;
}

/** Where the command stands: the same on every member. */
export interface CommandContext {
  /** Of its entry; it grows, and commands of one entry share it. */
  readonly index: number;
  /** Among the commands of its entry, from 0. */
  readonly place: number;
  readonly term: number;
}

/** Longer arrays can not be had everywhere. */
const SNAPSHOT_BYTES_MAX = 2 ** 32;

/** What a group can replicate, made of the simplest kind of machine, which has to be new. */
export function memoryMachine<Result>(machine: MemoryMachine<Result>): StateMachine<Result> {
  return new MemoryStateMachine(machine);
}

class MemoryStateMachine<Result> implements StateMachine<Result> {
  readonly #machine: MemoryMachine<Result>;
  #appliedIndex = 0;

  constructor(machine: MemoryMachine<Result>) {
    this.#machine = machine;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  apply(entries: readonly Entry[]): readonly (readonly Result[])[] {
    return entries.map(({ index, term, commands }) => {
      const results = commands.map((command, place) => this.#machine.apply(command, { index, place, term }));
      this.#appliedIndex = index;
      return results;
    });
  }

  capture(): Capture {
    let bytes = this.#machine.snapshot();
    return {
      read: () => sourceOf(bytes),
      close: () => {
        bytes = EMPTY;
      },
    };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    const bytes = await collect(source, SNAPSHOT_BYTES_MAX);
    if (bytes === undefined)
      throw hostFailure("SNAPSHOT_DAMAGED", { what: "A snapshot is too long for this machine." });
    this.#machine.restore(bytes);
    this.#appliedIndex = index;
  }
}
