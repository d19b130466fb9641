import { jsonText } from "../json-text.ts";
import { type Model, readTransition, valueFailure } from "./model.ts";

/** First in, first out. The state is what waits, one JSON text a line, so that each has an end. */
export const QUEUE: Model = {
  name: "queue",
  summary: "enqueue value, dequeue -> value, or null where it was empty; first in, first out",
  functions: ["enqueue", "dequeue"],
  initial: "",
  needsKey: false,
  transition(operation) {
    const { function: name, outcome, input, output } = operation;
    if (outcome === "fail") return undefined;
    if (name === "enqueue") {
      if (input === null) throw valueFailure(operation, "a value other than null, which stands for an empty queue");
      const line = `${jsonText(input)}\n`;
      return { isRead: false, offers: line, step: (state) => `${state}${line}` };
    }
    if (outcome === "unknown") return { isRead: false, step: (state) => withoutFirst(String(state)) };
    if (output === null) return readTransition("");
    const line = `${jsonText(output)}\n`;
    return {
      isRead: false,
      wants: line,
      step: (state) => (String(state).startsWith(line) ? String(state).slice(line.length) : undefined),
    };
  },
  stateText: (state) => `[${String(state).trimEnd().replaceAll("\n", ", ")}] waits`,
};

/** Taking from an empty queue changes nothing. */
function withoutFirst(state: string): string {
  return state.slice(state.indexOf("\n") + 1);
}
