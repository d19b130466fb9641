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
