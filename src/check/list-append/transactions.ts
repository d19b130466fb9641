import { checkFailure } from "../errors.ts";
import type { Operation } from "../history.ts";
import { jsonText } from "../json-text.ts";

/** Appends one element to a list, or reads a whole list. Elements and keys are JSON texts. */
export type Step =
  | { readonly kind: "append"; readonly key: string; readonly element: string }
  | { readonly kind: "read"; readonly key: string; readonly elements: readonly string[] };

export interface Transaction {
  readonly operation: Operation;
  /** Of one that did not commit, or whose outcome is unknown, only the appends are known. */
  readonly steps: readonly Step[];
}

/** A transaction's value is a list of `["append", key, element]` and `["r", key, list or null]`. Throws HISTORY errors. */
export function readTransactions(operations: readonly Operation[]): Transaction[] {
  return operations.map((operation) => {
    const { function: name, line, input, output, outcome } = operation;
    if (name !== "txn") {
      const what = `Line ${line}: the model list-append has no function ${name}; it has txn.`;
      throw checkFailure("HISTORY_FUNCTION", { what, data: { line, function: name } });
    }
    const isKnown = outcome === "ok";
    const steps = stepsOf(isKnown ? output : input, operation);
    if (isKnown) checkSameShape(steps, stepsOf(input, operation), operation);
    return { operation, steps: isKnown ? steps : steps.filter(({ kind }) => kind === "append") };
  });
}

function stepsOf(value: unknown, operation: Operation): Step[] {
  if (!Array.isArray(value)) throw malformed(operation);
  return value.map((step: unknown): Step => {
    if (!Array.isArray(step) || step.length < 2 || step.length > 3) throw malformed(operation);
    const [kind, name, argument = null] = step as unknown[];
    if (typeof name !== "string" && typeof name !== "number") throw malformed(operation);
    const key = String(name);
    if (kind === "append") return { kind, key, element: jsonText(argument) };
    if ((kind !== "r" && kind !== "read") || (argument !== null && !Array.isArray(argument)))
      throw malformed(operation);
    return { kind: "read", key, elements: (argument ?? []).map(jsonText) };
  });
}

/** What committed has to be what was asked for. */
function checkSameShape(done: readonly Step[], asked: readonly Step[], operation: Operation): void {
  const isSame =
    done.length === asked.length &&
    done.every((step, at) => {
      const other = asked[at]!;
      if (step.kind !== other.kind || step.key !== other.key) return false;
      return step.kind === "read" || other.kind === "read" || step.element === other.element;
    });
  if (isSame) return;
  const { line } = operation;
  throw checkFailure("HISTORY_VALUE", {
    what: `Line ${line}: the transaction completed as another one.`,
    data: { line },
  });
}

function malformed({ line }: Operation): Error {
  const what = `Line ${line}: txn takes a list of ["append", key, element] and ["r", key, list or null].`;
  return checkFailure("HISTORY_VALUE", { what, data: { line } });
}
