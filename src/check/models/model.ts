import { checkFailure } from "../errors.ts";
import type { Operation } from "../history.ts";

/** A state is a text or a number, so that it is its own key in caches. */
export type State = string | number;

/** What one operation does to the object, with its values already read. */
export interface Transition {
  /** The state after it, or undefined where it can not have happened in this state. */
  step(state: State): State | undefined;
  /** It never changes the state. */
  readonly isRead: boolean;
  /** The only state that it can happen in, where there is just one. */
  readonly needs?: State;
  /** The state that it leads to, where that does not depend on the one before. */
  readonly makes?: State;
  /** What it finds and what it brings, where that is only a part of the state: to show where a value came from. */
  readonly wants?: State;
  readonly offers?: State;
}

/** A sequential specification of one object. */
export interface Model {
  readonly name: string;
  readonly summary: string;
  readonly functions: readonly string[];
  readonly initial: State;
  /** Whether each operation has to name the object that it is about. */
  readonly needsKey: boolean;
  /**
   * Undefined where the operation tells nothing and changes nothing: it failed, or it only reads and its answer is unknown.
   * Throws HISTORY_VALUE.
   */
  transition(operation: Operation): Transition | undefined;
  /** For people, as in `the value is 3`. */
  stateText(state: State): string;
}

/** Throws HISTORY_FUNCTION, HISTORY_MALFORMED or HISTORY_VALUE. */
export function transitionOf(model: Model, operation: Operation): Transition | undefined {
  const { function: name, line, key } = operation;
  if (!model.functions.includes(name)) {
    const what = `Line ${line}: the model ${model.name} has no function ${name}; it has ${model.functions.join(", ")}.`;
    throw checkFailure("HISTORY_FUNCTION", { what, data: { line, function: name } });
  }
  if (model.needsKey && key === undefined) {
    const what = `Line ${line} has no \`key\`, which the model ${model.name} needs.`;
    throw checkFailure("HISTORY_MALFORMED", { what, data: { line } });
  }
  return model.transition(operation);
}

export function valueFailure({ line, function: name }: Operation, expected: string): Error {
  return checkFailure("HISTORY_VALUE", { what: `Line ${line}: ${name} takes ${expected}.`, data: { line } });
}

/** Happens in one state only and leaves it. */
export function readTransition(needs: State): Transition {
  return { isRead: true, needs, step: (state) => (state === needs ? state : undefined) };
}

/** Happens in any state. */
export function writeTransition(makes: State): Transition {
  return { isRead: false, makes, step: () => makes };
}

/** Leads from one state to another. */
export function moveTransition(needs: State, makes: State): Transition {
  return { isRead: false, needs, makes, step: (state) => (state === needs ? makes : undefined) };
}
