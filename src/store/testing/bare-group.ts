import { toHex } from "../../std/bytes.ts";
import { type Command, encodeCommand } from "../command.ts";
import { NO_TRANSACTION_BUGS, type TransactionBugs } from "../machine/prepared-bugs.ts";
import { type CommandResult, StoreMachine } from "../machine.ts";
import { decisionOf } from "../transactions/lock-reads.ts";
import type {
  Decision,
  Participant,
  SentCommand,
  TransactionName,
  TransactionResult,
} from "../transactions/participant.ts";
import { ListIndex } from "./list-index.ts";

/** A group that is no more than its machine: what it is sent is applied at once. */
export class BareGroup implements Participant {
  readonly id: number;
  readonly index: ListIndex = new ListIndex();
  readonly machine: StoreMachine;
  readonly sent: SentCommand[] = [];
  /** Stands between the sender and the group. */
  wire: (command: SentCommand, deliver: () => TransactionResult) => Promise<TransactionResult> = async (_, deliver) =>
    deliver();

  constructor(id: number, bugs: TransactionBugs = NO_TRANSACTION_BUGS) {
    this.id = id;
    this.machine = new StoreMachine({ index: this.index, group: id, bugs });
  }

  get revision(): number {
    return this.machine.revision;
  }

  apply(command: Command): CommandResult {
    const { machine } = this;
    return machine.apply([{ index: machine.appliedIndex + 1, term: 1, commands: [encodeCommand(command)] }])[0]![0]!;
  }

  send(command: SentCommand): Promise<TransactionResult> {
    this.sent.push(command);
    return this.wire(command, () => this.apply(command) as TransactionResult);
  }

  async readDecision(name: TransactionName): Promise<Decision | undefined> {
    return decisionOf(this.machine, name)?.decision;
  }

  /** All rows; of the state only that there is one, for the applied index says nothing of rows. */
  text(): string {
    const rows = this.index.scan({ limit: 1000 });
    return rows.map(({ key, value }) => `${toHex(key)} ${key[0] === 0 && key[1] === 0 ? "" : toHex(value)}`).join("\n");
  }
}
