import { type Model, moveTransition } from "./model.ts";

const FREE = -1;

/** A lock that one process holds at a time and that only its holder releases. The state is the holder. */
export const MUTEX: Model = {
  name: "mutex",
  summary: "acquire, release; one holder at a time, and only the holder releases",
  functions: ["acquire", "release"],
  initial: FREE,
  needsKey: false,
  transition({ function: name, process, outcome }) {
    if (outcome === "fail") return undefined;
    return name === "acquire" ? moveTransition(FREE, process) : moveTransition(process, FREE);
  },
  stateText: (state) => (state === FREE ? "the lock is free" : `process ${state} holds the lock`),
};
