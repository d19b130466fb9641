import { checkCausal } from "./causal.ts";
import { checkConvergence } from "./convergence.ts";
import { checkFailure } from "./errors.ts";
import type { Operation } from "./history.ts";
import { checkLinearizability } from "./linearizability.ts";
import { type IsolationLevel, RULED_OUT } from "./list-append/anomaly.ts";
import { checkListAppend } from "./list-append/check.ts";
import { MODELS, type ModelName } from "./models/index.ts";
import { transitionOf } from "./models/model.ts";
import { checkSequential } from "./sequential.ts";
import { checkSessions } from "./sessions.ts";
import type { CheckLimits, Verdict } from "./verdict.ts";

export type CheckedModel = ModelName | "list-append";

export const CHECKED_MODELS: readonly CheckedModel[] = [...(Object.keys(MODELS) as ModelName[]), "list-append"];

export type ObjectConsistency = "linearizable" | "sequential" | "causal" | "sessions" | "convergence";
export type Consistency = ObjectConsistency | IsolationLevel;

const OBJECT_CONSISTENCIES: readonly ObjectConsistency[] = [
  "linearizable",
  "sequential",
  "causal",
  "sessions",
  "convergence",
];
const OF_REGISTERS: readonly ObjectConsistency[] = ["causal", "sessions", "convergence"];
const REGISTERS: readonly CheckedModel[] = ["register", "cas-register", "kv"];

/** What a model can be checked for, the default first. */
export function consistenciesOf(model: CheckedModel): readonly Consistency[] {
  if (model === "list-append") {
    const levels = Object.keys(RULED_OUT) as IsolationLevel[];
    return ["serializable", ...levels.filter((level) => level !== "serializable")];
  }
  const isRegister = REGISTERS.includes(model);
  return OBJECT_CONSISTENCIES.filter((consistency) => isRegister || !OF_REGISTERS.includes(consistency));
}

export interface HistoryCheck extends CheckLimits {
  readonly model: CheckedModel;
  readonly consistency?: Consistency;
}

/** Checks a history for one model and one consistency. Throws HISTORY errors, and CHECK_UNSUPPORTED. */
export function checkHistory(operations: readonly Operation[], check: HistoryCheck): Verdict {
  const { model: name, ...limits } = check;
  const possible = consistenciesOf(name);
  const consistency = check.consistency ?? possible[0]!;
  if (!possible.includes(consistency)) {
    const what = `The model ${name} is not checked for ${consistency}; it is for ${possible.join(", ")}.`;
    throw checkFailure("CHECK_UNSUPPORTED", { what, data: { model: name, consistency } });
  }
  if (name === "list-append") return checkListAppend(operations, consistency as IsolationLevel, limits);
  const model = MODELS[name];
  // Each check reads the operations for itself; functions and values that are wrong are wrong for all of them.
  for (const operation of operations) transitionOf(model, operation);
  switch (consistency as ObjectConsistency) {
    case "linearizable":
      return checkLinearizability(operations, model, limits);
    case "sequential":
      return checkSequential(operations, model, limits);
    case "causal":
      return checkCausal(operations, limits);
    case "sessions":
      return checkSessions(operations);
    case "convergence":
      return checkConvergence(operations);
  }
}
