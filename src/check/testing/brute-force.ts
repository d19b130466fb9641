import type { Operation } from "../history.ts";
import { type Model, type State, transitionOf } from "../models/model.ts";

// The definition of linearizability, tried out in full: every order of every choice of operations. For a few operations only.

/** Whether some order of the completed operations, and of any of the unknown ones, keeps real time and the model. */
export function isLinearizable(operations: readonly Operation[], model: Model): boolean {
  const keys = new Set(operations.map(({ key }) => key));
  return [...keys].every((key) => {
    const own = operations.filter((operation) => operation.key === key && transitionOf(model, operation) !== undefined);
    return canOrder(own, model, model.initial, (first, rest) => rest.every((other) => other.end > first.start));
  });
}

/** Whether some order of all objects' operations keeps each process's own order and the model of each object. */
export function isSequential(operations: readonly Operation[], model: Model): boolean {
  const told = operations.filter((operation) => transitionOf(model, operation) !== undefined);
  const order = (rest: readonly Operation[], states: ReadonlyMap<string | undefined, State>): boolean => {
    if (rest.every(({ outcome }) => outcome === "unknown")) return true;
    return rest.some((first) => {
      const others = rest.filter((other) => other !== first);
      if (others.some(({ process, id }) => process === first.process && id < first.id)) return false;
      const state = transitionOf(model, first)!.step(states.get(first.key) ?? model.initial);
      return state !== undefined && order(others, new Map([...states, [first.key, state]]));
    });
  };
  return order(told, new Map());
}

function canOrder(
  rest: readonly Operation[],
  model: Model,
  state: State,
  canBeFirst: (first: Operation, rest: readonly Operation[]) => boolean,
): boolean {
  if (rest.every(({ outcome }) => outcome === "unknown")) return true;
  return rest.some((first) => {
    const others = rest.filter((other) => other !== first);
    if (!canBeFirst(first, others)) return false;
    const next = transitionOf(model, first)!.step(state);
    return next !== undefined && canOrder(others, model, next, canBeFirst);
  });
}

/** A read or write, as the definition of causal memory takes it. */
interface Step {
  readonly operation: Operation;
  readonly isRead: boolean;
  readonly value: string;
}

/**
 * Whether reads and writes are causal memory, by its definition: for some way to tell which write each read saw, each process has an order
 * of all writes and its own reads that keeps causes before effects and in which each read follows the write it saw directly, among
 * the writes of its key.
 */
export function isCausalMemory(operations: readonly Operation[]): boolean {
  const steps = operations
    .filter(({ function: name, outcome }) => (name === "read" ? outcome === "ok" : outcome !== "fail"))
    .map((operation): Step => {
      const isRead = operation.function === "read";
      return { operation, isRead, value: JSON.stringify(isRead ? operation.output : operation.input) };
    });
  const reads = steps.filter(({ isRead }) => isRead);
  const choose = (at: number, seen: ReadonlyMap<Step, Step | undefined>): boolean => {
    const read = reads[at];
    if (read === undefined) return isCausalWith(steps, seen);
    const writes = steps.filter((step) => !step.isRead && step.value === read.value && isSameKey(step, read));
    const sources = read.value === "null" ? [undefined, ...writes] : writes;
    return sources.some((source) => choose(at + 1, new Map([...seen, [read, source]])));
  };
  return choose(0, new Map());
}

function isCausalWith(steps: readonly Step[], seen: ReadonlyMap<Step, Step | undefined>): boolean {
  const causes = new Map<Step, Set<Step>>(steps.map((step) => [step, new Set()]));
  for (const step of steps) {
    for (const other of steps) {
      const isEarlier = other.operation.process === step.operation.process && other.operation.id < step.operation.id;
      if (isEarlier || seen.get(step) === other) causes.get(step)!.add(other);
    }
  }
  // As often as there are steps, so that it is transitive.
  for (const _ of steps) {
    for (const own of causes.values()) for (const cause of [...own]) for (const far of causes.get(cause)!) own.add(far);
  }
  if (steps.some((step) => causes.get(step)!.has(step))) return false;
  const processes = new Set(steps.map(({ operation }) => operation.process));
  return [...processes].every((process) => {
    const visible = steps.filter(({ isRead, operation }) => !isRead || operation.process === process);
    return canArrange(visible, { causes, seen }, new Map());
  });
}

function canArrange(
  rest: readonly Step[],
  known: { readonly causes: ReadonlyMap<Step, ReadonlySet<Step>>; readonly seen: ReadonlyMap<Step, Step | undefined> },
  current: ReadonlyMap<string | undefined, Step>,
): boolean {
  if (rest.length === 0) return true;
  return rest.some((step) => {
    const { key } = step.operation;
    if (rest.some((other) => known.causes.get(step)!.has(other))) return false;
    if (step.isRead && current.get(key) !== known.seen.get(step)) return false;
    const next = step.isRead ? current : new Map([...current, [key, step]]);
    return canArrange(
      rest.filter((other) => other !== step),
      known,
      next,
    );
  });
}

function isSameKey(left: Step, right: Step): boolean {
  return left.operation.key === right.operation.key;
}

type TransactionStep = readonly ["append", string, unknown] | readonly ["r", string, readonly unknown[] | null];

/** Whether some order of the committed transactions, and of any of the unknown ones, makes every read right. */
export function isSerializable(operations: readonly Operation[], keepsRealtime: boolean): boolean {
  const order = (rest: readonly Operation[], lists: ReadonlyMap<string, readonly unknown[]>): boolean => {
    if (rest.every(({ outcome }) => outcome === "unknown")) return true;
    return rest.some((first) => {
      const others = rest.filter((other) => other !== first);
      if (keepsRealtime && others.some(({ end }) => end < first.start)) return false;
      const next = applied((first.output ?? first.input) as TransactionStep[], first.outcome === "ok", lists);
      return next !== undefined && order(others, next);
    });
  };
  const possible = operations.filter(({ outcome }) => outcome !== "fail");
  return order(possible, new Map());
}

function applied(
  steps: readonly TransactionStep[],
  isKnown: boolean,
  before: ReadonlyMap<string, readonly unknown[]>,
): ReadonlyMap<string, readonly unknown[]> | undefined {
  const lists = new Map(before);
  for (const [kind, key, value] of steps) {
    const list = lists.get(key) ?? [];
    if (kind === "append") lists.set(key, [...list, value]);
    else if (isKnown && JSON.stringify(value ?? []) !== JSON.stringify(list)) return undefined;
  }
  return lists;
}
