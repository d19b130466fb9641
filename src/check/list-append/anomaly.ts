import type { Operation } from "../history.ts";

/** Those that are no cycle, the worst first. */
export type DirectAnomaly = "garbage" | "duplicate" | "incompatible-order" | "internal" | "G1a" | "G1b";
/** Adya's cycles, the worst first. */
export type CycleAnomaly = "G0" | "G1c" | "G-single" | "G2";
/** `-process`, `-realtime`: the cycle needs the order of a process, or that of real time. */
export type AnomalyName = DirectAnomaly | CycleAnomaly | `${CycleAnomaly}-${"process" | "realtime"}`;

export interface Anomaly {
  readonly name: AnomalyName;
  readonly explanation: readonly string[];
  /** The transactions that it needs, in the order of their invocations. */
  readonly operations: readonly Operation[];
}

/** What a consistency level rules out. Lists that contradict each other rule out all of them. */
export type IsolationLevel =
  | "read-uncommitted"
  | "read-committed"
  | "snapshot-isolation"
  | "serializable"
  | "session-serializable"
  | "strict-serializable";

const CORRUPT: readonly AnomalyName[] = ["garbage", "duplicate", "incompatible-order"];
const READ_UNCOMMITTED: readonly AnomalyName[] = [...CORRUPT, "G0"];
const READ_COMMITTED: readonly AnomalyName[] = [...READ_UNCOMMITTED, "G1a", "G1b", "G1c"];
const SNAPSHOT_ISOLATION: readonly AnomalyName[] = [...READ_COMMITTED, "internal", "G-single"];
const SERIALIZABLE: readonly AnomalyName[] = [...SNAPSHOT_ISOLATION, "G2"];
const SESSION: readonly AnomalyName[] = [
  ...SERIALIZABLE,
  "G0-process",
  "G1c-process",
  "G-single-process",
  "G2-process",
];

export const RULED_OUT: Readonly<Record<IsolationLevel, readonly AnomalyName[]>> = {
  "read-uncommitted": READ_UNCOMMITTED,
  "read-committed": READ_COMMITTED,
  "snapshot-isolation": SNAPSHOT_ISOLATION,
  serializable: SERIALIZABLE,
  "session-serializable": SESSION,
  "strict-serializable": [...SESSION, "G0-realtime", "G1c-realtime", "G-single-realtime", "G2-realtime"],
};
