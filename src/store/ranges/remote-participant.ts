import { AssertionError } from "../../std/assert.ts";
import type {
  Decision,
  Participant,
  SentCommand,
  TransactionName,
  TransactionResult,
} from "../transactions/participant.ts";
import type { RemoteGroup } from "./remote-group.ts";

/** A group of which this node is no member, as one of several that a commit is made over. */
export class RemoteParticipant implements Participant {
  readonly id: number;
  readonly #group: RemoteGroup;

  constructor(id: number, group: RemoteGroup) {
    this.id = id;
    this.#group = group;
  }

  get revision(): number {
    return this.#group.revision;
  }

  async send(command: SentCommand): Promise<TransactionResult> {
    const result = await this.#group.propose(command);
    switch (result.kind) {
      case "committed":
      case "granted":
      case "lent":
      case "ended":
      case "lives-on":
      case "transferred":
        throw new AssertionError("a command of a transaction is answered with a transaction's result");
      default:
        return result;
    }
  }

  readDecision(name: TransactionName): Promise<Decision | undefined> {
    return this.#group.readDecision(name);
  }
}
