import { type Operation, operationText, relaxed } from "./history.ts";
import { minimizeAnywhere } from "./minimize.ts";
import { type Model, type State, type Transition, transitionOf } from "./models/model.ts";
import { withSources } from "./sources.ts";
import { type CheckLimits, MEMORY_BYTES_DEFAULT, OK, unknownVerdict, type Verdict } from "./verdict.ts";

interface Item {
  readonly operation: Operation;
  readonly transition: Transition;
  readonly start: number;
  readonly end: number;
}

/**
 * Whether all operations have one order that keeps each process's own, whatever the clock said (Lamport 1979). Objects can not be checked
 * apart: each may have an order of its own that does not fit the others'. The search is exponential, so histories should be small.
 */
export function checkSequential(operations: readonly Operation[], model: Model, limits: CheckLimits = {}): Verdict {
  const { isOver = () => false, memoryBytesMax = MEMORY_BYTES_DEFAULT } = limits;
  const items = operations.flatMap((operation) => itemOf(operation, model) ?? []);
  const search = new SequentialSearch(items, model.initial);
  let result = search.run(SLICE_STEPS);
  while (result === undefined) {
    if (isOver()) return unknownVerdict("time");
    if (search.bytes > memoryBytesMax) return unknownVerdict("memory");
    result = search.run(SLICE_STEPS);
  }
  if (result) return OK;
  const core = minimizeAnywhere(items, {
    relax: ({ operation, transition }) => (transition.isRead ? undefined : itemOf(relaxed(operation), model)),
    isViolation: (part) => new SequentialSearch(part, model.initial).run(MINIMIZE_STEPS_MAX) === false,
    isOver,
  });
  const least = withSources(core, items, model.initial).map(({ operation }) => operation);
  const explanation = [
    `No single order of these ${least.length} operations keeps the order of each process: ${least.map(operationText).join("; ")}.`,
  ];
  return { verdict: "violation", anomaly: "sequential consistency", explanation, key: undefined, operations: least };
}

const SLICE_STEPS = 1_000;
const MINIMIZE_STEPS_MAX = 20_000;
const ENTRY_BYTES = 200;

function itemOf(operation: Operation, model: Model): Item | undefined {
  const transition = transitionOf(model, operation);
  return transition && { operation, transition, start: operation.start, end: operation.end };
}

/** How far each process got, and the state of each object. */
interface Configuration {
  readonly places: readonly number[];
  readonly states: readonly State[];
}

class SequentialSearch {
  readonly #processes: readonly (readonly Item[])[];
  readonly #objectOf = new Map<string | undefined, number>();
  readonly #seen = new Set<string>();
  readonly #stack: Configuration[];
  #bytes = 0;

  constructor(items: readonly Item[], initial: State) {
    const processes = new Map<number, Item[]>();
    for (const item of items) {
      const { process, key } = item.operation;
      const own = processes.get(process);
      if (own === undefined) processes.set(process, [item]);
      else own.push(item);
      if (!this.#objectOf.has(key)) this.#objectOf.set(key, this.#objectOf.size);
    }
    this.#processes = [...processes.values()];
    const states = Array.from(this.#objectOf, () => initial);
    this.#stack = [{ places: this.#processes.map(() => 0), states }];
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there is an order; undefined where that is not known after so many steps. */
  run(steps: number): boolean | undefined {
    for (let left = steps; left > 0; left--) {
      const next = this.#stack.pop();
      if (next === undefined) return false;
      const configuration = this.#withReads(next);
      if (this.#isDone(configuration)) return true;
      if (!this.#isSeen(configuration)) this.#pushSuccessors(configuration);
    }
    return undefined;
  }

  /** A read that fits is no choice: taking it at once leaves everything else as possible as it was. */
  #withReads({ places, states }: Configuration): Configuration {
    const ahead = [...places];
    for (const [process, items] of this.#processes.entries()) {
      for (;;) {
        const item = items[ahead[process]!];
        if (item === undefined || !item.transition.isRead) break;
        if (item.transition.step(states[this.#objectOf.get(item.operation.key)!]!) === undefined) break;
        ahead[process]!++;
      }
    }
    return { places: ahead, states };
  }

  #isDone({ places }: Configuration): boolean {
    return this.#processes.every((items, process) => {
      return items.slice(places[process]).every(({ end }) => end === Number.POSITIVE_INFINITY);
    });
  }

  #isSeen({ places, states }: Configuration): boolean {
    const { size } = this.#seen;
    const entry = `${places.join(",")}|${JSON.stringify(states)}`;
    this.#seen.add(entry);
    if (this.#seen.size === size) return true;
    this.#bytes += ENTRY_BYTES + entry.length;
    return false;
  }

  #pushSuccessors({ places, states }: Configuration): void {
    for (const [process, items] of this.#processes.entries()) {
      const item = items[places[process]!];
      if (item === undefined) continue;
      const moved = places.with(process, places[process]! + 1);
      // What is unknown may never have happened.
      if (item.end === Number.POSITIVE_INFINITY) this.#stack.push({ places: moved, states });
      const object = this.#objectOf.get(item.operation.key)!;
      const next = item.transition.step(states[object]!);
      if (next !== undefined) this.#stack.push({ places: moved, states: states.with(object, next) });
    }
  }
}
