// The steps of transfers as one group takes them. Each may come twice, late, or from a driver whom another has relieved:
// then it changes nothing. What is brought keeps its revision, so that those of a key only grow.

import { unreachable } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import type { StoredRow } from "../row-codec.ts";
import { ROOT_GROUP } from "../tables.ts";
import { belongsTo, intervalKeys, type KeySource } from "./interval-rows.ts";
import { isResultKey, requestOfResultKey, writtenRowKey, writtenRowKeys } from "./keys.ts";
import { moveRow, readLease, STUB, writeLease } from "./leases.ts";
import type { PendingRows } from "./pending.ts";
import type { PreparedState } from "./prepared.ts";
import type {
  ExportBegin,
  ExportClean,
  ExportEnd,
  ImportBegin,
  ImportEnd,
  ImportFinish,
  ImportRows,
  MovedRow,
  RangeCommand,
} from "./range-commands.ts";
import {
  allKeys,
  type Export,
  type Import,
  isCovered,
  type KeyInterval,
  overlap,
  type RangeRefusal,
  type RangeState,
  refusalOfRow,
  withInterval,
  withoutInterval,
} from "./range-state.ts";
import type { Refused, TransferPhase, Transferred } from "./result.ts";
import type { MachineState } from "./state.ts";

/** Rows that one step deletes. */
export const CLEARED_ROWS_MAX = 256;

/** What of its machine a step may see and change. */
export interface TransferContext {
  readonly pending: PendingRows;
  /** Counts the locks and decisions that come and go with their keys. */
  readonly prepared: Pick<PreparedState, "count" | "raiseFence">;
  readonly machine: Pick<MachineState, "group" | "appliedIndex"> & { revision: number };
  /** From now on the keys of this interval are another group's. */
  readonly moved: (interval: KeyInterval) => void;
}

type StepResult = Transferred | Refused;

/** The ranges of one machine as they change within a batch. */
export class BatchRanges {
  readonly #context: TransferContext;
  readonly #pending: PendingRows;
  #state: RangeState;
  #isChanged: boolean;

  /** Without a state that is written somewhere, the group's first step of all: from then on there is one. */
  constructor(context: TransferContext, state: RangeState | undefined) {
    this.#context = context;
    this.#pending = context.pending;
    this.#state = state ?? allKeys();
    this.#isChanged = state === undefined;
    this.#noteWrites();
  }

  get state(): RangeState {
    return this.#state;
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** Why a command that touches this row is refused, or undefined. */
  refusalOf(row: Uint8Array): RangeRefusal | undefined {
    return refusalOfRow(this.#state, this.#group, row);
  }

  apply(command: RangeCommand): StepResult {
    switch (command.kind) {
      case "import-begin":
        return this.#beginImport(command);
      case "import-end":
        return this.#endImport(command);
      case "export-begin":
        return this.#beginExport(command);
      case "export-end":
        return this.#endExport(command);
      case "import-clear":
        return this.#withImport(command, (one) => this.#answer("copying", this.#clear(one)));
      case "import-rows":
        return this.#withImport(command, (one) => this.#importRows(one, command));
      case "import-finish":
        return this.#finishImport(command);
      case "export-clean":
        return this.#withExport(command, (one) => this.#clean(one, command));
      case "export-freeze":
        return this.#withExport(command, (one) => this.#freeze(one));
      default:
        return unreachable(command);
    }
  }

  #beginImport({ transfer, attempt, from, to, source }: ImportBegin): StepResult {
    const state = this.#state;
    const known = state.imports.find((one) => one.transfer === transfer);
    if (known !== undefined) {
      if (attempt < known.attempt) return SUPERSEDED;
      if (attempt > known.attempt) this.#putImport({ ...known, attempt, next: known.isFinished ? known.next : 0 });
      return this.#answer(known.isFinished ? "finished" : "copying");
    }
    if (transfer <= state.importsEnded) return SUPERSEDED;
    const taken = [...state.serves, ...state.imports, ...state.exports];
    if (taken.some((one) => overlap(one, { from, to }))) return MISMATCH;
    this.#putImport({ transfer, attempt, from, to, source, next: 0, isFinished: false });
    return this.#answer("copying");
  }

  #importRows(one: Import, { piece, rows }: ImportRows): StepResult {
    if (piece < one.next) return this.#answer("copying");
    if (piece > one.next || !rows.every((row) => belongsTo(one, row.key, asStored(row)))) return MISMATCH;
    for (const row of rows) this.#importRow(row);
    this.#putImport({ ...one, next: one.next + 1 });
    return this.#answer("copying");
  }

  #importRow({ key, revision, lease, value }: MovedRow): void {
    if (isResultKey(key)) {
      const { session, sequence } = requestOfResultKey(key);
      if (readLease(this.#pending, session)?.ended === true) return;
      this.#makeStub(session);
      const record = readLease(this.#pending, session);
      // Here the session may have acknowledged it already, or be over.
      if (record === undefined || sequence <= record.acknowledged) return;
    }
    if (lease !== 0) this.#makeStub(lease);
    this.#write(key, value && { revision, lease, value });
  }

  #write(key: Uint8Array, row: StoredRow | undefined): void {
    const before = this.#pending.get(key);
    moveRow(this.#pending, key, before?.lease ?? 0, row?.lease ?? 0);
    if (row === undefined) this.#pending.delete(key);
    else this.#pending.put(key, row);
    if ((before === undefined) !== (row === undefined)) this.#context.prepared.count(key, row === undefined ? -1 : 1);
  }

  /** What stands for a lease of the root group in another one that holds rows of it. */
  #makeStub(lease: number): void {
    if (this.#group === ROOT_GROUP) return;
    const record = readLease(this.#pending, lease);
    if (record === undefined) writeLease(this.#pending, lease, STUB);
    // Rows came behind its end: they go like the others.
    else if (record.ended === true) writeLease(this.#pending, lease, { ...STUB, ending: true });
  }

  #finishImport({ transfer, attempt, pieces, revision }: ImportFinish): StepResult {
    const one = this.#state.imports.find((other) => other.transfer === transfer);
    if (one === undefined || attempt !== one.attempt) return SUPERSEDED;
    if (one.isFinished) return this.#answer("finished");
    if (pieces !== one.next) return MISMATCH;
    const { machine, prepared } = this.#context;
    // Beyond what anybody has seen of this group: see the fence of decisions.
    machine.revision = Math.max(machine.revision, revision) + 1;
    prepared.raiseFence(machine.revision);
    const { from, to, source: origin } = one;
    const since = machine.revision;
    const serves = withInterval(this.#state.serves, { from, to, since, origin, originRevision: revision });
    this.#change({ ...this.#state, serves });
    this.#putImport({ ...one, isFinished: true });
    return this.#answer("finished");
  }

  #endImport({ transfer, attempt, isFinished }: ImportEnd): StepResult {
    const one = this.#state.imports.find((other) => other.transfer === transfer);
    if (one === undefined) return this.#ended("importsEnded", transfer);
    if (attempt < one.attempt) return SUPERSEDED;
    if (one.isFinished !== isFinished) return this.#answer(one.isFinished ? "finished" : "copying");
    if (!isFinished && this.#clear(one)) {
      this.#putImport({ ...one, attempt });
      return this.#answer("copying", true);
    }
    const state = this.#state;
    this.#change({ ...state, imports: state.imports.filter((other) => other.transfer !== transfer) });
    return this.#ended("importsEnded", transfer);
  }

  #beginExport({ transfer, attempt, from, to, target }: ExportBegin): StepResult {
    const state = this.#state;
    const known = state.exports.find((one) => one.transfer === transfer);
    if (known !== undefined) {
      if (attempt < known.attempt) return SUPERSEDED;
      const thaws = known.phase === "frozen" && attempt > known.attempt;
      const phase = thaws ? "copying" : known.phase;
      if (attempt > known.attempt) this.#putExport({ ...known, attempt, phase });
      return this.#answer(phase);
    }
    if (transfer <= state.exportsEnded) return SUPERSEDED;
    const interval = { from, to };
    const others = [...state.exports, ...state.imports.filter((one) => !one.isFinished)];
    if (!isCovered(state.serves, interval) || others.some((one) => overlap(one, interval))) return MISMATCH;
    this.#putExport({ transfer, attempt, from, to, target, phase: "copying", revision: 0 });
    return this.#answer("copying");
  }

  #clean(one: Export, { rows }: ExportClean): StepResult {
    for (const { key, entry } of rows) {
      const written = writtenRowKey(one.transfer, key);
      if (this.#pending.get(written)?.revision === entry) this.#pending.delete(written);
    }
    return this.#answer(one.phase);
  }

  #freeze(one: Export): StepResult {
    if (one.phase === "copying") this.#putExport({ ...one, phase: "frozen", revision: this.#context.machine.revision });
    return this.#answer(one.phase === "moved" ? "moved" : "frozen");
  }

  #endExport({ transfer, attempt, isMoved }: ExportEnd): StepResult {
    const one = this.#state.exports.find((other) => other.transfer === transfer);
    if (one === undefined) return this.#ended("exportsEnded", transfer);
    if (attempt < one.attempt) return SUPERSEDED;
    if (isMoved ? one.phase === "copying" : one.phase === "moved") return this.#answer(one.phase);
    const phase = isMoved ? "moved" : "copying";
    if (one.phase !== phase && isMoved) {
      this.#change({ ...this.#state, serves: withoutInterval(this.#state.serves, one) });
      this.#context.moved(one);
    }
    this.#putExport({ ...one, attempt, phase });
    if (this.#clearWritten(one) || (isMoved && this.#clear(one))) return this.#answer(phase, true);
    const state = this.#state;
    this.#change({ ...state, exports: state.exports.filter((other) => other.transfer !== transfer) });
    return this.#ended("exportsEnded", transfer);
  }

  #withImport({ transfer, attempt }: RangeCommand, run: (one: Import) => StepResult): StepResult {
    const one = this.#state.imports.find((other) => other.transfer === transfer);
    if (one === undefined || attempt !== one.attempt) return SUPERSEDED;
    return one.isFinished ? this.#answer("finished") : run(one);
  }

  #withExport({ transfer, attempt }: RangeCommand, run: (one: Export) => StepResult): StepResult {
    const one = this.#state.exports.find((other) => other.transfer === transfer);
    return one === undefined || attempt !== one.attempt ? SUPERSEDED : run(one);
  }

  /** True where more are left. */
  #clear(interval: KeyInterval): boolean {
    const keysOf: KeySource = (bounds, limit) => this.#pending.keys(bounds, limit);
    const { keys, next } = intervalKeys(keysOf, interval, EMPTY, CLEARED_ROWS_MAX);
    for (const key of keys) this.#write(key, undefined);
    return next !== undefined;
  }

  #clearWritten({ transfer }: Export): boolean {
    const keys = this.#pending.keys(writtenRowKeys(transfer), CLEARED_ROWS_MAX);
    for (const key of keys) this.#pending.delete(key);
    return keys.length === CLEARED_ROWS_MAX;
  }

  #ended(mark: "importsEnded" | "exportsEnded", transfer: number): StepResult {
    const state = this.#state;
    if (state[mark] < transfer) this.#change({ ...state, [mark]: transfer });
    return this.#answer("ended");
  }

  #answer(phase: TransferPhase, more = false): Transferred {
    return { kind: "transferred", phase, revision: this.#context.machine.revision, more };
  }

  get #group(): number {
    return this.#context.machine.group;
  }

  #putImport(one: Import): void {
    const others = this.#state.imports.filter(({ transfer }) => transfer !== one.transfer);
    this.#change({ ...this.#state, imports: [...others, one] });
  }

  #putExport(one: Export): void {
    const others = this.#state.exports.filter(({ transfer }) => transfer !== one.transfer);
    this.#change({ ...this.#state, exports: [...others, one] });
  }

  /** A row that is written while its key is on its way has to be brought over (again). */
  #noteWrites(): void {
    this.#pending.observe((key, row) => {
      for (const one of this.#state.exports) {
        if (one.phase === "moved" || !belongsTo(one, key, row)) continue;
        this.#pending.put(writtenRowKey(one.transfer, key), {
          revision: this.#context.machine.appliedIndex + 1,
          lease: 0,
          value: EMPTY,
        });
      }
    });
  }

  #change(state: RangeState): void {
    this.#state = state;
    this.#isChanged = true;
  }
}

function asStored({ revision, lease, value }: MovedRow): StoredRow | undefined {
  return value && { revision, lease, value };
}

const SUPERSEDED: Refused = { kind: "refused", code: "TRANSFER_SUPERSEDED" };
const MISMATCH: Refused = { kind: "refused", code: "RANGE_MISMATCH" };
