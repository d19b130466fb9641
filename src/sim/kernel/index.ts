// Whoever imports the types need not have these libraries among its own.
/// <reference lib="es2024.promise" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

export type { Client } from "./client.ts";
export { Draw } from "./draw.ts";
export { SIM_ERRORS, type SimError, type SimErrorCode } from "./errors.ts";
export { type ChosenFault, chosenText, type FaultTuning, type FaultTunings, parseChosenFaults } from "./fault-plan.ts";
export {
  ALL_FAULT_KINDS,
  type Direction,
  FAULT_KINDS,
  type FaultEvent,
  type FaultKind,
  type FaultKindEntry,
  faultText,
  type Range,
} from "./faults.ts";
export { History, type OpenOperation } from "./history.ts";
export { type InvestigateOptions, investigate } from "./investigate.ts";
export type { NodeContext, SimNode } from "./node.ts";
export { type FailureReport, failureLines, replayCommand } from "./report.ts";
export type { SimRun } from "./run.ts";
export { runSeed, type SeedOptions, type SeedResult } from "./run-seed.ts";
export { type ShrinkOptions, type Shrunk, shrink } from "./shrink.ts";
export { type SwarmConfiguration, swarmLines } from "./swarm.ts";
export { Trace, type TraceLine, traceText } from "./trace.ts";
export { invariant, Violation } from "./violation.ts";
export type { Scenario, Workload } from "./workload.ts";
export type { Failure } from "./world.ts";
