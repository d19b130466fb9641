import { parseEdn } from "./edn.ts";
import { checkFailure } from "./errors.ts";

// A history is what clients saw: when each operation began, and when and how it ended. The order of its lines is the order of its
// events; `time` is for people. docs/protocols/history.md is the contract.
//
//   process 0  |--write 1--|        |--read -> 2--|
//   process 1        |------write 2------ ...            info: outcome unknown, open for ever, the process is gone

export const HISTORY_LIMITS = {
  /** Of one line, in UTF-16 units. */
  lineLengthMax: 1_048_576,
  eventsMax: 20_000_000,
} as const;

/** `unknown`: it may take effect at any time after its invocation, or never. */
export type Outcome = "ok" | "fail" | "unknown";

export interface Operation {
  /** Its place in the order of invocations, from 0. */
  readonly id: number;
  readonly process: number;
  readonly function: string;
  /** Undefined where the history has one object without a name. */
  readonly key: string | undefined;
  /** The value of its invocation. */
  readonly input: unknown;
  /** The value of its completion; undefined where there is none. */
  readonly output: unknown;
  readonly outcome: Outcome;
  /** Why it failed or why its outcome is unknown, where the history says so. */
  readonly error: string | undefined;
  /** Places of its two events among all events. An unknown outcome ends at Infinity. */
  readonly start: number;
  readonly end: number;
  readonly startNanos: number;
  /** Infinity where the outcome is unknown. */
  readonly endNanos: number;
  /** Of its invocation, from 1. */
  readonly line: number;
}

/** All operations in the order of their invocations. Throws HISTORY errors. */
export function parseHistory(text: string): Operation[] {
  const reader = new HistoryReader();
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const next = end === -1 ? text.length : end;
    reader.add(text.slice(at, next));
    at = next + 1;
  }
  return reader.finish();
}

/** Takes a history line by line. */
export class HistoryReader {
  readonly #operations: Operation[] = [];
  readonly #open = new Map<number, OpenOperation>();
  readonly #gone = new Set<number>();
  #line = 0;
  #events = 0;
  #nanos = 0;

  /** Empty lines are passed over. */
  add(line: string): void {
    this.#line++;
    if (line.trim() === "") return;
    if (line.length > HISTORY_LIMITS.lineLengthMax) throw this.#fault("HISTORY_MALFORMED", "is too long");
    if (this.#events === HISTORY_LIMITS.eventsMax) throw this.#fault("HISTORY_TOO_LARGE", "is one event too many");
    const event = this.#parse(line);
    if (event === undefined) return;
    if (event.nanos < this.#nanos) throw this.#fault("HISTORY_DISORDERED", "is earlier than the line before it");
    this.#nanos = event.nanos;
    if (event.type === "invoke") this.#invoke(event);
    else this.#complete(event);
    this.#events++;
  }

  /** What is still open has an unknown outcome. */
  finish(): Operation[] {
    for (const open of this.#open.values()) this.#close(open, undefined);
    this.#open.clear();
    return this.#operations;
  }

  #invoke(event: HistoryEvent): void {
    const { process } = event;
    if (this.#open.has(process)) {
      throw this.#fault("HISTORY_UNPAIRED", `: process ${process} invokes while its last operation is open`);
    }
    if (this.#gone.has(process)) {
      throw this.#fault("HISTORY_UNPAIRED", `: process ${process} invokes after an info, which ends a process`);
    }
    const id = this.#operations.length;
    this.#open.set(process, { id, start: this.#events, line: this.#line, event });
    // Holds the place until the operation completes.
    this.#operations.push(PENDING);
  }

  #complete(event: HistoryEvent): void {
    const { process, type } = event;
    const open = this.#open.get(process);
    if (open === undefined) {
      throw this.#fault("HISTORY_UNPAIRED", `: process ${process} completes what it has not invoked`);
    }
    if (event.function !== open.event.function) {
      throw this.#fault("HISTORY_UNPAIRED", `completes a ${event.function}, and line ${open.line} is another function`);
    }
    if (event.key !== undefined && event.key !== open.event.key) {
      throw this.#fault("HISTORY_UNPAIRED", `has another key than its invocation in line ${open.line}`);
    }
    this.#open.delete(process);
    if (type === "info") this.#gone.add(process);
    this.#close(open, event);
  }

  #close({ id, start, line, event: invocation }: OpenOperation, completion: HistoryEvent | undefined): void {
    const { process, function: name, key, value: input, nanos: startNanos } = invocation;
    const isKnown = completion !== undefined && completion.type !== "info";
    this.#operations[id] = {
      id,
      process,
      function: name,
      key,
      input,
      output: completion?.type === "ok" ? completion.value : undefined,
      outcome: !isKnown ? "unknown" : completion.type === "ok" ? "ok" : "fail",
      error: completion?.error,
      start,
      end: isKnown ? this.#events : Number.POSITIVE_INFINITY,
      startNanos,
      endNanos: isKnown ? completion.nanos : Number.POSITIVE_INFINITY,
      line,
    };
  }

  /** Undefined for a line of Jepsen's that is no client's. */
  #parse(line: string): HistoryEvent | undefined {
    const isEdn = EDN_LINE.test(line);
    let event: unknown;
    try {
      event = isEdn ? parseEdn(line) : JSON.parse(line);
    } catch {
      throw this.#fault("HISTORY_MALFORMED", isEdn ? "is not EDN" : "is not JSON");
    }
    if (typeof event !== "object" || event === null || Array.isArray(event)) {
      throw this.#fault("HISTORY_MALFORMED", "is not a JSON object");
    }
    const { process, type, f, key, value = null, time = this.#nanos, error } = event as Record<string, unknown>;
    if (isEdn && typeof process === "string") return undefined;
    if (typeof process !== "number" || !Number.isSafeInteger(process) || process < 0) {
      throw this.#fault("HISTORY_MALFORMED", "has no `process` that is a whole number from 0 on");
    }
    if (type !== "invoke" && type !== "ok" && type !== "fail" && type !== "info") {
      throw this.#fault("HISTORY_MALFORMED", "has no `type` that is invoke, ok, fail or info");
    }
    if (typeof f !== "string" || f === "") throw this.#fault("HISTORY_MALFORMED", "has no `f`, a function's name");
    if (key !== undefined && key !== null && typeof key !== "string" && typeof key !== "number") {
      throw this.#fault("HISTORY_MALFORMED", "has a `key` that is neither a text nor a number");
    }
    if (typeof time !== "number" || time < 0) {
      throw this.#fault("HISTORY_MALFORMED", "has a `time` that is no number of nanoseconds");
    }
    return {
      process,
      type,
      function: f,
      key: key === undefined || key === null ? undefined : String(key),
      value,
      nanos: time,
      error: error === undefined || error === null ? undefined : errorText(error),
    };
  }

  #fault(code: "HISTORY_MALFORMED" | "HISTORY_UNPAIRED" | "HISTORY_DISORDERED" | "HISTORY_TOO_LARGE", what: string) {
    const gap = what.startsWith(":") ? "" : " ";
    return checkFailure(code, { what: `Line ${this.#line}${gap}${what}.`, data: { line: this.#line } });
  }
}

/** JSON begins neither so. */
const EDN_LINE = /^\s*(?:#|\{\s*:)/;

function errorText(error: unknown): string {
  return typeof error === "string" ? error : JSON.stringify(error);
}

interface HistoryEvent {
  readonly process: number;
  readonly type: "invoke" | "ok" | "fail" | "info";
  readonly function: string;
  readonly key: string | undefined;
  readonly value: unknown;
  readonly nanos: number;
  readonly error: string | undefined;
}

interface OpenOperation {
  readonly id: number;
  readonly start: number;
  readonly line: number;
  readonly event: HistoryEvent;
}

const PENDING: Operation = {
  id: -1,
  process: -1,
  function: "",
  key: undefined,
  input: null,
  output: undefined,
  outcome: "unknown",
  error: undefined,
  start: -1,
  end: Number.POSITIVE_INFINITY,
  startNanos: 0,
  endNanos: Number.POSITIVE_INFINITY,
  line: 0,
};

/** The same operation with nothing known about how it ended. Whatever explains a history explains it so relaxed as well. */
export function relaxed(operation: Operation): Operation {
  const end = Number.POSITIVE_INFINITY;
  return { ...operation, output: undefined, outcome: "unknown", error: undefined, end, endNanos: end };
}

/** Functions whose answer may be null; of others null is no answer. */
const ASKS: ReadonlySet<string> = new Set(["read", "get", "dequeue", "txn"]);

/** One line for people: `process 3: cas ["a","b"] of x -> ok`. */
export function operationText(operation: Operation): string {
  const { process, function: name, key, input, outcome } = operation;
  const given = input === null || input === undefined ? "" : ` ${shortJson(input)}`;
  const of = key === undefined ? "" : ` of ${shortText(key)}`;
  const result = outcome === "ok" ? answerText(operation) : outcome === "fail" ? "failed" : "unknown";
  return `process ${process}: ${name}${of}${given} -> ${result}`;
}

/** What an operation answered that took effect: `ok` where there is nothing to tell. */
export function answerText({ function: name, input, output }: Operation): string {
  const isAnswer = (output ?? null) !== null || ((input ?? null) === null && ASKS.has(name));
  // Some recorders repeat in the completion what was written.
  const isRepeated = name !== "txn" && shortJson(output) === shortJson(input) && (input ?? null) !== null;
  return isAnswer && !isRepeated ? shortJson(output ?? null) : "ok";
}

const SHOWN_MAX = 80;

export function shortJson(value: unknown): string {
  return shortText(JSON.stringify(value) ?? "null");
}

function shortText(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX - 1)}…`;
}
