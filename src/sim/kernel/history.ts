import type { Operation, Outcome } from "../../check/index.ts";

/** An operation that a client has begun. It is ended once, or stays open for ever: then its outcome is unknown. */
export interface OpenOperation {
  ok(output?: unknown): void;
  /** It has not happened and will not. */
  fail(error?: string): void;
  /** It may happen at any later time, or never. */
  unknown(error?: string): void;
}

/**
 * What clients saw, in the form that the checkers take. Keep operations few where they may overlap much: looking for
 * their order is hard by nature.
 */
export class History {
  readonly #operations: Operation[] = [];
  readonly #nowMillis: () => number;
  #events = 0;

  constructor(nowMillis: () => number) {
    this.#nowMillis = nowMillis;
  }

  get length(): number {
    return this.#operations.length;
  }

  /** A process is one client's thread: its operations do not overlap, and after an unknown outcome it takes another number. */
  invoke(process: number, name: string, input: unknown = null, key?: string): OpenOperation {
    const id = this.#operations.length;
    const startNanos = Math.round(this.#nowMillis() * 1e6);
    this.#operations.push({
      id,
      process,
      function: name,
      key,
      input,
      output: undefined,
      outcome: "unknown",
      error: undefined,
      start: this.#events++,
      end: Number.POSITIVE_INFINITY,
      startNanos,
      endNanos: Number.POSITIVE_INFINITY,
      line: id + 1,
    });
    return {
      ok: (output = null) => this.#end(id, "ok", output, undefined),
      fail: (error) => this.#end(id, "fail", undefined, error),
      unknown: (error) => this.#end(id, "unknown", undefined, error),
    };
  }

  /** In the order of their invocations. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  #end(id: number, outcome: Outcome, output: unknown, error: string | undefined): void {
    const operation = this.#operations[id]!;
    const isKnown = outcome !== "unknown";
    this.#operations[id] = {
      ...operation,
      output,
      outcome,
      error,
      end: isKnown ? this.#events++ : Number.POSITIVE_INFINITY,
      endNanos: isKnown ? Math.round(this.#nowMillis() * 1e6) : Number.POSITIVE_INFINITY,
    };
  }
}
