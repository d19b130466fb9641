import { type Operation, operationText } from "./history.ts";
import { minimizeAnywhere } from "./minimize.ts";
import { type Access, accessesOf, INITIAL_VALUE, versionName } from "./reads-from.ts";
import { type CheckLimits, OK, unknownVerdict, type Verdict } from "./verdict.ts";

/** More would need the square of it in memory, and its cube in time. */
const OPERATIONS_MAX = 1_000;
/** Ways to tell which write each read saw, where values are written more than once. */
const ASSIGNMENTS_MAX = 5_000;

/**
 * Whether reads and writes are causal memory (Ahamad et al. 1995): each process could see all writes in some order that keeps what
 * happened before what, by the order of a process or because one read what the other wrote. Which write a read saw is known from its
 * value; where a value is written twice, all ways are tried. For each way the rule of Bouajjani et al. (2017) decides: a write that
 * happened before a read, and is not the one it saw, happened before that one. A circle is a violation, and so is a first value that is
 * read after a write.
 */
export function checkCausal(operations: readonly Operation[], limits: CheckLimits = {}): Verdict {
  const { isOver = () => false } = limits;
  const accesses = accessesOf(operations);
  if (accesses.length > OPERATIONS_MAX) return tooMuch(`${OPERATIONS_MAX} reads and writes`);
  const result = causalResult(accesses, isOver);
  if (result === "time") return unknownVerdict("time");
  if (result === "many") return tooMuch("a few values that are written twice");
  if (result === "ok") return OK;
  const writers = writersOf(accesses);
  const least = minimizeAnywhere(accesses, {
    relax: () => undefined,
    isViolation: (part) => isClosed(part, writers) && causalResult(part, isOver) === "violation",
    isOver,
  }).map(({ operation }) => operation);
  const explanation = [
    "Some process could not have seen these in an order that keeps cause before effect.",
    "Causes are what the same process did before, and the write whose value was read.",
    `${least.map(operationText).join("; ")}.`,
  ];
  return { verdict: "violation", anomaly: "causal consistency", explanation, key: undefined, operations: least };
}

function tooMuch(what: string): Verdict {
  return { verdict: "unknown", reason: "ambiguous", detail: `Causal consistency is checked for no more than ${what}.` };
}

/** A write can be left out only where none of the reads that are kept may have seen it. */
function isClosed(part: readonly Access[], writers: ReadonlyMap<string, readonly number[]>): boolean {
  const kept = writersOf(part);
  return part.every(({ kind, key, value }) => {
    const name = versionName(key, value);
    return kind === "write" || kept.get(name)?.length === writers.get(name)?.length;
  });
}

function writersOf(accesses: readonly Access[]): Map<string, number[]> {
  const writers = new Map<string, number[]>();
  for (const [at, { kind, key, value }] of accesses.entries()) {
    if (kind === "read") continue;
    const name = versionName(key, value);
    writers.set(name, [...(writers.get(name) ?? []), at]);
  }
  return writers;
}

/** The index of no write: the read saw the object as it was at first. */
const FIRST = -1;

function causalResult(accesses: readonly Access[], isOver: () => boolean): "ok" | "violation" | "many" | "time" {
  const writers = writersOf(accesses);
  const reads = [...accesses.keys()].filter((at) => accesses[at]!.kind === "read");
  const choices = reads.map((at) => {
    const { key, value } = accesses[at]!;
    return [...(value === INITIAL_VALUE ? [FIRST] : []), ...(writers.get(versionName(key, value)) ?? [])];
  });
  const ways = choices.reduce((product, { length }) => Math.min(product * length, ASSIGNMENTS_MAX + 1), 1);
  if (ways > ASSIGNMENTS_MAX) return "many";
  const order = processOrder(accesses);
  for (let way = 0; way < ways; way++) {
    if (isOver()) return "time";
    const source = new Map<number, number>();
    let rest = way;
    for (const [at, { length }] of choices.entries()) {
      source.set(reads[at]!, choices[at]![rest % length]!);
      rest = Math.floor(rest / length);
    }
    if (isCausal(accesses, order, source)) return "ok";
  }
  return "violation";
}

/** Pairs of neighbours in a process. */
function processOrder(accesses: readonly Access[]): readonly (readonly [number, number])[] {
  const last = new Map<number, number>();
  const pairs: [number, number][] = [];
  for (const [at, { operation }] of accesses.entries()) {
    const before = last.get(operation.process);
    if (before !== undefined) pairs.push([before, at]);
    last.set(operation.process, at);
  }
  return pairs;
}

function isCausal(
  accesses: readonly Access[],
  order: readonly (readonly [number, number])[],
  source: ReadonlyMap<number, number>,
): boolean {
  const cause = new Relation(accesses.length);
  for (const [before, after] of order) if (!cause.add(before, after)) return false;
  for (const [read, write] of source) if (write !== FIRST && !cause.add(write, read)) return false;
  const processes = new Set(accesses.map(({ operation }) => operation.process));
  return [...processes].every((process) => canSee(process, accesses, source, cause.copy()));
}

/** Adds what one process's reads tell of the order of writes, until that is all or a circle. */
function canSee(
  process: number,
  accesses: readonly Access[],
  source: ReadonlyMap<number, number>,
  before: Relation,
): boolean {
  const reads = [...source].filter(([read]) => accesses[read]!.operation.process === process);
  for (let isNews = true; isNews; ) {
    isNews = false;
    for (const [read, write] of reads) {
      for (const [other, { kind, key }] of accesses.entries()) {
        if (kind === "read" || other === write || key !== accesses[read]!.key || !before.has(other, read)) continue;
        if (write === FIRST) return false;
        if (before.has(other, write)) continue;
        if (!before.add(other, write)) return false;
        isNews = true;
      }
    }
  }
  return true;
}

/** A transitive relation over integers that has no circle. */
class Relation {
  readonly #size: number;
  readonly #cells: Uint8Array;

  constructor(size: number, cells: Uint8Array = new Uint8Array(size * size)) {
    this.#size = size;
    this.#cells = cells;
  }

  copy(): Relation {
    return new Relation(this.#size, this.#cells.slice());
  }

  has(left: number, right: number): boolean {
    return this.#cells[left * this.#size + right] === 1;
  }

  /** False where that would close a circle. */
  add(left: number, right: number): boolean {
    if (left === right || this.has(right, left)) return false;
    if (this.has(left, right)) return true;
    const after = [right];
    for (let at = 0; at < this.#size; at++) if (this.has(right, at)) after.push(at);
    for (let at = 0; at < this.#size; at++) {
      if (at !== left && !this.has(at, left)) continue;
      for (const later of after) this.#cells[at * this.#size + later] = 1;
    }
    return true;
  }
}
