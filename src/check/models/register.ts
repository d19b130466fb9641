import type { Operation } from "../history.ts";
import { jsonText } from "../json-text.ts";
import { type Model, moveTransition, readTransition, type Transition, valueFailure, writeTransition } from "./model.ts";

/** One value, null at first. Values are compared as JSON. */
export const REGISTER: Model = {
  name: "register",
  summary: "read, write; null at first",
  functions: ["read", "write"],
  initial: "null",
  needsKey: false,
  transition: (operation) => (operation.function === "read" ? readOf(operation) : writeOf(operation)),
  stateText: (state) => `the value is ${state}`,
};

export const CAS_REGISTER: Model = {
  name: "cas-register",
  summary: "read, write, cas [from, to]; null at first",
  functions: ["read", "write", "cas"],
  initial: "null",
  needsKey: false,
  transition: (operation) => (operation.function === "cas" ? casOf(operation) : REGISTER.transition(operation)),
  stateText: REGISTER.stateText,
};

export function readOf({ outcome, output }: Operation): Transition | undefined {
  return outcome === "ok" ? readTransition(jsonText(output)) : undefined;
}

export function writeOf({ outcome, input }: Operation): Transition | undefined {
  return outcome === "fail" ? undefined : writeTransition(jsonText(input));
}

/** One that failed says that the value was another, unless an `error` says that it failed for another reason. */
export function casOf(operation: Operation): Transition | undefined {
  const { input, outcome, error } = operation;
  if (!Array.isArray(input) || input.length !== 2) throw valueFailure(operation, "[from, to]");
  const from = jsonText(input[0]);
  const to = jsonText(input[1]);
  if (outcome !== "fail") return moveTransition(from, to);
  if (error !== undefined) return undefined;
  return { isRead: true, step: (state) => (state === from ? undefined : state) };
}
