export { checkCausal } from "./causal.ts";
export {
  CHECKED_MODELS,
  type CheckedModel,
  type Consistency,
  checkHistory,
  consistenciesOf,
  type HistoryCheck,
  type ObjectConsistency,
} from "./check-history.ts";
export { checkConvergence } from "./convergence.ts";
export { CHECK_ERRORS, type CheckError, type CheckErrorCode } from "./errors.ts";
export {
  HISTORY_LIMITS,
  HistoryReader,
  type Operation,
  type Outcome,
  operationText,
  parseHistory,
} from "./history.ts";
export { checkLinearizability } from "./linearizability.ts";
export type { AnomalyName, IsolationLevel } from "./list-append/anomaly.ts";
export { checkListAppend } from "./list-append/check.ts";
export { MODELS, type ModelName } from "./models/index.ts";
export type { Model, State, Transition } from "./models/model.ts";
export { timeline, violationPage } from "./picture.ts";
export { checkSequential } from "./sequential.ts";
export { checkSessions, SESSION_GUARANTEES, type SessionGuarantee } from "./sessions.ts";
export type {
  CheckLimits,
  OkVerdict,
  UnknownReason,
  UnknownVerdict,
  Verdict,
  ViolationVerdict,
} from "./verdict.ts";
