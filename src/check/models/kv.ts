import type { Operation } from "../history.ts";
import { type Model, type Transition, valueFailure, writeTransition } from "./model.ts";
import { casOf, REGISTER, readOf, writeOf } from "./register.ts";

/** A map from keys to values; a key that is not there reads as null. Keys are checked apart from each other. */
export const KV: Model = {
  name: "kv",
  summary: "get or read, put or write, delete, cas [from, to], append (of text), by key",
  functions: ["get", "read", "put", "write", "delete", "cas", "append"],
  initial: "null",
  needsKey: true,
  transition(operation) {
    switch (operation.function) {
      case "get":
      case "read":
        return readOf(operation);
      case "delete":
        return operation.outcome === "fail" ? undefined : writeTransition("null");
      case "cas":
        return casOf(operation);
      case "append":
        return appendOf(operation);
      default:
        return writeOf(operation);
    }
  },
  stateText: REGISTER.stateText,
};

/** To a key that is not there it appends as to an empty text; to a value that is no text it can not have happened. */
function appendOf(operation: Operation): Transition | undefined {
  const { input, outcome } = operation;
  if (typeof input !== "string") throw valueFailure(operation, "a text");
  if (outcome === "fail") return undefined;
  const escaped = JSON.stringify(input).slice(1);
  return {
    isRead: false,
    step(state) {
      if (state === "null") return `"${escaped}`;
      return String(state).startsWith('"') ? String(state).slice(0, -1) + escaped : undefined;
    },
  };
}
