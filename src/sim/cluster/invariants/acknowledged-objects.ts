import { checkHistory, type Operation, operationText } from "../../../check/index.ts";
import { type History, type OpenOperation, Violation } from "../../kernel/index.ts";

const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const SLICES_MAX = 2_000;

/**
 * No acknowledged object is lost or altered, and LIST says what GET does: each key is a register, and there is one order
 * of all its writes, conditional writes, reads and listings, each between its beginning and its end.
 */
export class AcknowledgedObjects {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  /** `null`: what is there is deleted. */
  write(key: string, value: string | null): OpenOperation {
    return this.#begin("write", value, key);
  }

  /** Only where it has the first value: it ends with `fail()` where it has another. */
  replace(key: string, from: string | null, to: string): OpenOperation {
    return this.#begin("cas", [from, to], key);
  }

  read(key: string): OpenOperation {
    return this.#begin("read", null, key);
  }

  /** False where it could not be told in time. */
  check(): boolean {
    const { operations } = this.#history;
    // Most writes that nobody knows the outcome of never happened, and make the search long.
    const likely = verdictOf(withoutUnseen(operations));
    if (likely.verdict === "ok") return true;
    const verdict = verdictOf(operations);
    if (verdict.verdict !== "violation") return verdict.verdict === "ok";
    const told = [...verdict.explanation, ...verdict.operations.map(operationText)].join("\n  ");
    throw new Violation("an acknowledged object is lost, altered or listed wrongly", told);
  }

  /** Each is a process of its own: the order of one client's operations is that of their times. */
  #begin(name: string, input: unknown, key: string): OpenOperation {
    return this.#history.invoke(this.#history.length, name, input, key);
  }
}

function verdictOf(operations: readonly Operation[]) {
  let slices = 0;
  const limits = { memoryBytesMax: MEMORY_BYTES_MAX, isOver: () => ++slices > SLICES_MAX };
  return checkHistory(operations, { model: "cas-register", ...limits });
}

/** An order without them is an order with them: they may happen never. */
function withoutUnseen(operations: readonly Operation[]): readonly Operation[] {
  const seen = new Set(
    operations.filter(({ outcome }) => outcome === "ok").map(({ key, output }) => `${key} ${output}`),
  );
  return operations.filter(({ function: name, outcome, input, key }) => {
    if (outcome !== "unknown" || name === "read") return outcome !== "unknown";
    const to = name === "cas" ? (input as readonly unknown[])[1] : input;
    return to === null || seen.has(`${key} ${to}`);
  });
}
