import type { Index } from "../../env/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { type CommandResult, type CommitEvent, type LeaseChange, StoreMachine } from "../machine.ts";
import type { Check, Commit, Put, RowAddress } from "../store.ts";

export const TABLE = 18;

export function at(name: string, table: number = TABLE): RowAddress {
  return { table, key: utf8(name) };
}

export function put(name: string, value: string = name): Put {
  return { ...at(name), value: utf8(value) };
}

export function absent(name: string): Check {
  return { ...at(name), absent: true };
}

export function revision(name: string, number: number): Check {
  return { ...at(name), revision: number };
}

export function commit(fields: Commit): Uint8Array {
  return encodeCommand({ kind: "commit", ...prepareCommit(fields) });
}

export function grant(ttlMillis = 10_000): Uint8Array {
  return encodeCommand({ kind: "grant", ttlMillis });
}

export function end(lease: number): Uint8Array {
  return encodeCommand({ kind: "end", lease });
}

export function expire(lease: number, term: number): Uint8Array {
  return encodeCommand({ kind: "expire", lease, term });
}

/** A machine that is fed one entry a call, under the next index. */
export class MachineDriver {
  machine: StoreMachine;
  readonly index: Index;
  readonly events: CommitEvent[] = [];
  readonly leases: LeaseChange[] = [];
  term = 1;

  readonly #group: number;

  constructor(index: Index, group = 1) {
    this.index = index;
    this.#group = group;
    this.machine = this.#open();
  }

  /** Goes on with what the Index holds, as after a restart. */
  reopen(): void {
    this.machine = this.#open();
  }

  /** All commands as one entry. */
  apply(...commands: Uint8Array[]): readonly CommandResult[] {
    const index = this.machine.appliedIndex + 1;
    return this.machine.apply([{ index, term: this.term, commands }])[0]!;
  }

  /** The result of one command that stands alone in its entry. */
  run(command: Uint8Array): CommandResult {
    return this.apply(command)[0]!;
  }

  /** Grants a lease and gives its id. */
  lease(): number {
    const result = this.run(grant());
    if (result.kind !== "granted") throw new TypeError("a grant is answered with a lease");
    return result.lease;
  }

  #open(): StoreMachine {
    const applied = (events: readonly CommitEvent[], leases: readonly LeaseChange[]): void => {
      this.events.push(...events);
      this.leases.push(...leases);
    };
    return new StoreMachine({
      index: this.index,
      group: this.#group,
      beginsEmpty: this.#group > 1,
      observer: { applied },
    });
  }
}
