// Two groups as bare machines, and actors whose every command is one action: each order of actions is a history that can
// be judged exactly. Commands are applied and answered in one; what is not delivered yet is on its way, or its sender is
// dead.

import { toHex, utf8 } from "../../std/bytes.ts";
import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { encodeAddress } from "../key-codec.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import type { Commit } from "../store.ts";
import { CommitSteps, type Step } from "../transactions/commit-steps.ts";
import { rowsOf, writerOf } from "../transactions/lock-reads.ts";
import type { SentCommand } from "../transactions/participant.ts";
import { homeOf, sharesOf } from "../transactions/shares.ts";
import { BareGroup } from "./bare-group.ts";
import { at } from "./machine-driver.ts";

export interface Scenario {
  readonly commits: readonly Commit[];
  /** Rows read one after the other, each when nobody is going to write it. */
  readonly reads: readonly string[];
  /** Transactions that somebody waits for so long that he has them aborted, at any moment. */
  readonly resolved: readonly number[];
  readonly bugs: TransactionBugs;
}

export interface Operation {
  readonly name: string;
  /** Of a read; a transaction has its number. */
  readonly row?: string;
  readonly number?: number;
  /** Operations that had ended when it began. */
  readonly after: readonly string[];
  result: string | undefined;
}

/** Steps of a resolution: abort, finish in either group, forget. */
const RESOLVED = 4;

interface Sent {
  readonly steps: CommitSteps;
  readonly due: Step[];
  readonly operation: Operation;
  readonly started: boolean;
}

/** One run of a scenario, action by action. */
export class World {
  readonly operations: Operation[] = [];
  readonly #scenario: Scenario;
  readonly #groups: readonly BareGroup[];
  readonly #sent: Sent[] = [];
  /** Of transactions that are being resolved: what is done next. */
  readonly #resolving: number[] = [];
  #read = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#groups = [1, 2].map((id) => new BareGroup(id, scenario.bugs));
    for (const commit of scenario.commits) this.#begin(commit);
    this.#resolving = scenario.commits.map((_, number) => (scenario.resolved.includes(number) ? 0 : RESOLVED));
  }

  /** What may happen next. Rows x... are of the first group, y... of the second. */
  actions(): (() => void)[] {
    const actions: (() => void)[] = [];
    for (const [number, sent] of this.#sent.entries()) {
      for (const step of sent.due) actions.push(() => this.#deliver(number, step));
    }
    const row = this.#scenario.reads[this.#read];
    if (row !== undefined) {
      const { machine } = this.#groupOf(encodeAddress(at(row)));
      const ignores = this.#scenario.bugs.has("read-under-lock");
      if (ignores || writerOf(machine, encodeAddress(at(row))) === undefined) actions.push(() => this.#readRow(row));
    }
    for (const [number, next] of this.#resolving.entries())
      if (next < RESOLVED) actions.push(() => this.#resolve(number));
    return actions;
  }

  /** Equal for two runs that can not differ any more in anything that is judged. */
  text(): string {
    const due = this.#sent.map(({ due: steps }) =>
      steps.map(({ share, command }) => `${share.participant.id} ${toHex(encodeCommand(command))}`),
    );
    const outcomes = this.#sent.map(({ steps }) => steps.outcome);
    const rest = { due, outcomes, resolving: this.#resolving, operations: this.operations, read: this.#read };
    return `${this.#groups.map((group) => group.text()).join("\n\n")}${JSON.stringify(rest)}`;
  }

  value(row: string): string {
    const key = encodeAddress(at(row));
    const stored = this.#groupOf(key).machine.row(key);
    return stored === undefined ? "none" : new TextDecoder().decode(stored.value);
  }

  /** Locks and decisions that are still there. */
  get left(): number {
    let left = 0;
    for (const { machine } of this.#groups) {
      const { writeLocks, checkLocks, decisions } = machine.prepared;
      left += writeLocks + checkLocks + decisions;
    }
    return left;
  }

  #groupOf(key: Uint8Array): BareGroup {
    return this.#groups[key[1] === utf8("y")[0] ? 1 : 0]!;
  }

  #begin(commit: Commit): void {
    const prepared = prepareCommit(commit);
    const shares = sharesOf(prepared, { of: (row) => this.#groupOf(row) }, 16);
    const transaction = new Uint8Array(16).fill(this.#sent.length + 1);
    const steps = new CommitSteps({ transaction, home: homeOf(prepared)! }, prepared, shares, this.#scenario.bugs);
    const number = this.#sent.length;
    const operation = { name: `T${number}`, number, after: [], result: undefined };
    this.#sent.push({ steps, due: steps.take(), operation, started: false });
  }

  #deliver(number: number, step: Step): void {
    let sent = this.#sent[number]!;
    if (!sent.started) {
      const operation: Operation = { ...sent.operation, after: this.#ended() };
      sent = this.#sent[number] = { ...sent, operation, started: true };
      this.operations.push(operation);
    }
    sent.due.splice(sent.due.indexOf(step), 1);
    const result = (step.share.participant as BareGroup).apply(step.command);
    sent.steps.answered(step, result as Parameters<CommitSteps["answered"]>[1]);
    sent.due.push(...sent.steps.take());
    if (sent.steps.outcome !== undefined) sent.operation.result ??= sent.steps.outcome.kind;
  }

  #readRow(row: string): void {
    this.operations.push({ name: `R${this.#read++}`, row, after: this.#ended(), result: this.value(row) });
  }

  /** First home decides, then both groups carry it out, then home forgets: each a command of its own. */
  #resolve(number: number): void {
    const home = homeOf(prepareCommit(this.#scenario.commits[number]!))!;
    const name = { transaction: new Uint8Array(16).fill(number + 1), home };
    const atHome = this.#groupOf(home);
    const step = this.#resolving[number]!++;
    if (step === RESOLVED - 1) {
      atHome.apply({ kind: "forget", records: [name] });
      return;
    }
    const command: SentCommand = { kind: "abort", ...name };
    const result = atHome.apply(command);
    const group = this.#groups[step - 1];
    if (group === undefined || result.kind !== "decided") return;
    const revision = result.decision.committed ? result.decision.revision : 0;
    const keys = rowsOf(group.machine, name.transaction);
    group.apply({ kind: "finish", transaction: name.transaction, revision, keys, conflict: undefined });
  }

  #ended(): string[] {
    return this.operations.filter(({ result }) => result !== undefined).map(({ name }) => name);
  }
}
