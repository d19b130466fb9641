import { checkListAppend, operationText } from "../../../check/index.ts";
import { type History, Violation } from "../../kernel/index.ts";

const SLICES_MAX = 5_000;

/** Transactions that read and append to lists have one order, which agrees with their times. False where that could not be told in time. */
export function checkStrictSerializability(history: History): boolean {
  let slices = 0;
  const verdict = checkListAppend(history.operations, "strict-serializable", { isOver: () => ++slices > SLICES_MAX });
  if (verdict.verdict !== "violation") return verdict.verdict === "ok";
  const told = [...verdict.explanation, ...verdict.operations.map(operationText)].join("\n  ");
  throw new Violation("transactions on the Store are not strictly serializable", told);
}
