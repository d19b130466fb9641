import { type Entry as CoreEntry, isConfChange, type Message } from "../core/raft/index.ts";
import { assert } from "../std/assert.ts";
import { type DecodedEntry, decodeBatch } from "./requests/entry.ts";
import type { StateMachine } from "./state-machine.ts";

export interface ApplierOptions<Result> {
  readonly machine: StateMachine<Result>;
  /** A committed change of membership. Resolves when the configuration that it leads to is durable. */
  readonly change: (entry: CoreEntry) => Promise<void>;
  /** An entry's results, in the order of its commands. */
  readonly applied: (entry: DecodedEntry, results: readonly Result[]) => void;
  /** All of a piece of work is done: what the core wants to hear. */
  readonly done: (responses: readonly Message[]) => void;
  /** There may be more to do. */
  readonly wake: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * Feeds a group's machine with what is committed, in order, unless a snapshot has been there before. It stops at a
 * change of membership until that is durable: a machine on disk must never come back ahead of its members.
 */
export class Applier<Result> {
  readonly #options: ApplierOptions<Result>;
  /** Work in its order: what is still to be fed of each, and the answers behind it. */
  #waiting: { entries: readonly CoreEntry[]; readonly responses: readonly Message[] }[] = [];
  /** The change of membership that is durable and not fed yet. */
  #settledChange = 0;
  #holds = 0;

  constructor(options: ApplierOptions<Result>) {
    this.#options = options;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0 && this.#holds === 0;
  }

  add({ entries, responses }: Message): void {
    this.#waiting.push({ entries, responses });
  }

  /** While the machine takes over another state it is not fed. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    this.#options.wake();
  }

  stop(): void {
    this.#waiting = [];
  }

  /** What waits, up to the next change of membership, in one call of the machine's `apply`. Throws what that throws. */
  run(): void {
    if (!this.isWaiting) return;
    const { machine, done } = this.#options;
    const fed: DecodedEntry[] = [];
    const finished: Message[] = [];
    let change: CoreEntry | undefined;
    while (this.#waiting.length > 0 && change === undefined) {
      const work = this.#waiting[0]!;
      const unapplied = work.entries.filter(({ index }) => index > machine.appliedIndex);
      const at = unapplied.findIndex((entry) => isConfChange(entry) && entry.index > this.#settledChange);
      change = unapplied[at];
      for (const entry of at < 0 ? unapplied : unapplied.slice(0, at)) fed.push(decodeBatch(entry));
      if (change === undefined) {
        this.#waiting.shift();
        finished.push(...work.responses);
      } else {
        work.entries = unapplied.slice(at);
      }
    }
    this.#feed(fed);
    if (finished.length > 0) done(finished);
    if (change !== undefined) this.#settle(change);
  }

  #feed(entries: readonly DecodedEntry[]): void {
    if (entries.length === 0) return;
    const { machine, applied } = this.#options;
    assert(entries[0]!.index === machine.appliedIndex + 1, "a machine is fed without a gap");
    const results = machine.apply(entries);
    assert(machine.appliedIndex === entries.at(-1)!.index, "a machine applies what it is fed");
    for (const [at, entry] of entries.entries()) applied(entry, results[at]!);
  }

  #settle(change: CoreEntry): void {
    this.hold();
    this.#options.change(change).then(
      () => {
        this.#settledChange = change.index;
        this.release();
      },
      (error: Error) => this.#options.fail(error),
    );
  }
}
