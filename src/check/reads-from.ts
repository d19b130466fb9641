import { checkFailure } from "./errors.ts";
import type { Operation } from "./history.ts";
import { jsonText } from "./json-text.ts";

/** A read or a write of one object, as causal, session and convergence checks see it. */
export interface Access {
  readonly operation: Operation;
  readonly kind: "read" | "write";
  readonly key: string | undefined;
  /** A JSON text. */
  readonly value: string;
  /** For the minimizer, which needs nothing of real time. */
  readonly start: number;
  readonly end: number;
}

export const INITIAL_VALUE = "null";

/**
 * The reads that were answered and the writes that may have happened. Throws CHECK_UNSUPPORTED where a function is neither: what a cas does
 * depends on the order of the operations, which these checks do not look for.
 */
export function accessesOf(operations: readonly Operation[]): Access[] {
  return operations.flatMap((operation): Access[] => {
    const { function: name, key, outcome, input, output, start, line } = operation;
    const end = start;
    switch (name) {
      case "read":
      case "get":
        return outcome === "ok" ? [{ operation, kind: "read", key, value: jsonText(output), start, end }] : [];
      case "write":
      case "put":
        return outcome === "fail" ? [] : [{ operation, kind: "write", key, value: jsonText(input), start, end }];
      case "delete":
        return outcome === "fail" ? [] : [{ operation, kind: "write", key, value: INITIAL_VALUE, start, end }];
      default: {
        const what = `Line ${line}: this consistency is checked for reads and writes, not for ${name}.`;
        throw checkFailure("CHECK_UNSUPPORTED", { what, data: { line, function: name } });
      }
    }
  });
}

/** One text for what is written in one place. */
export function versionName(key: string | undefined, value: string): string {
  return `${key === undefined ? "" : JSON.stringify(key)} ${value}`;
}
