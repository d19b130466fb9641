import type { Operation } from "../history.ts";
import { type Model, type State, type Transition, valueFailure } from "./model.ts";

const NOBODY = -1;

/**
 * A lock whose lease may end without its holder's knowledge, so that a second holder may come while the first still believes in its
 * own. What has to hold then: each acquire brings a token greater than all before it; who is still the last holder can release; and
 * what the lock guards takes a write (its value is the token) only while it has taken none with a greater token.
 *
 * The state is `holder token used`: the last holder, the greatest token given, the greatest token used.
 */
export const FENCED_MUTEX: Model = {
  name: "fenced-mutex",
  summary: "acquire -> token, release, write token; leases may end, tokens only grow",
  functions: ["acquire", "release", "write"],
  initial: stateOf({ holder: NOBODY, given: -1, used: -1 }),
  needsKey: false,
  transition(operation) {
    const { function: name, outcome } = operation;
    if (outcome === "fail") return undefined;
    if (name === "acquire") return acquireOf(operation);
    return name === "release" ? releaseOf(operation) : guardedWriteOf(operation);
  },
  stateText(state) {
    const { holder, given, used } = partsOf(state);
    const lock = holder === NOBODY ? "the lock is free" : `process ${holder} holds the lock`;
    return `${lock}, the greatest token given is ${numberText(given)} and the greatest used is ${numberText(used)}`;
  },
};

/** One whose token nobody learned takes some token above the last: the next one is above the last in any case. */
function acquireOf(operation: Operation): Transition {
  const { process, outcome, output } = operation;
  if (outcome === "unknown") return { isRead: false, step: (state) => stateOf({ ...partsOf(state), holder: process }) };
  const token = tokenOf(operation, output);
  return {
    isRead: false,
    step(state) {
      const { given, used } = partsOf(state);
      return token > given ? stateOf({ holder: process, given: token, used }) : undefined;
    },
  };
}

function releaseOf({ process }: Operation): Transition {
  return {
    isRead: false,
    step(state) {
      const parts = partsOf(state);
      return parts.holder === process ? stateOf({ ...parts, holder: NOBODY }) : undefined;
    },
  };
}

function guardedWriteOf(operation: Operation): Transition {
  const token = tokenOf(operation, operation.input);
  return {
    isRead: false,
    step(state) {
      const parts = partsOf(state);
      return token >= parts.used ? stateOf({ ...parts, used: token }) : undefined;
    },
  };
}

function tokenOf(operation: Operation, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw valueFailure(operation, "a fencing token, a whole number from 0 on");
}

function numberText(token: number): string {
  return token === -1 ? "none" : String(token);
}

interface Parts {
  readonly holder: number;
  readonly given: number;
  readonly used: number;
}

function stateOf({ holder, given, used }: Parts): State {
  return `${holder} ${given} ${used}`;
}

function partsOf(state: State): Parts {
  const [holder, given, used] = String(state).split(" ").map(Number);
  return { holder: holder!, given: given!, used: used! };
}
