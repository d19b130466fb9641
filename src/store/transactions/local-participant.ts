import { assert } from "../../std/assert.ts";
import type { Command } from "../command.ts";
import type { CommandResult, StoreMachine } from "../machine.ts";
import { decisionOf } from "./lock-reads.ts";
import type { Decision, Participant, SentCommand, TransactionName, TransactionResult } from "./participant.ts";

export interface LocalParticipantSettings {
  readonly id: number;
  readonly machine: StoreMachine;
  readonly propose: (command: Command) => Promise<CommandResult>;
  /** Resolves when the machine may be read linearizably. */
  readonly readable: () => Promise<void>;
}

/** A group that this node is a member of. */
export class LocalParticipant implements Participant {
  readonly id: number;
  readonly #settings: LocalParticipantSettings;

  constructor(settings: LocalParticipantSettings) {
    this.id = settings.id;
    this.#settings = settings;
  }

  get revision(): number {
    return this.#settings.machine.revision;
  }

  async send(command: SentCommand): Promise<TransactionResult> {
    const result = await this.#settings.propose(command);
    const { kind } = result;
    assert(
      kind !== "committed" &&
        kind !== "granted" &&
        kind !== "lent" &&
        kind !== "ended" &&
        kind !== "lives-on" &&
        kind !== "transferred",
      "a transaction's result",
    );
    return result;
  }

  async readDecision(name: TransactionName): Promise<Decision | undefined> {
    await this.#settings.readable();
    return decisionOf(this.#settings.machine, name)?.decision;
  }
}
