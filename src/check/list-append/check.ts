import type { Operation } from "../history.ts";
import { type CheckLimits, OK, unknownVerdict, type Verdict } from "../verdict.ts";
import { type AnomalyName, type IsolationLevel, RULED_OUT } from "./anomaly.ts";
import { findCycles } from "./cycles.ts";
import { findDependencies } from "./dependencies.ts";
import { readTransactions } from "./transactions.ts";
import { findVersions } from "./versions.ts";

/**
 * Looks for anomalies in transactions that append to lists and read them, by the dependencies that the lists themselves show. What it finds
 * is proven; `ok` says that these reads show no anomaly, not that there was none.
 */
export function checkListAppend(
  operations: readonly Operation[],
  level: IsolationLevel = "serializable",
  limits: CheckLimits = {},
): Verdict {
  const { isOver = () => false } = limits;
  const ruledOut = RULED_OUT[level];
  const transactions = readTransactions(operations);
  const versions = findVersions(transactions);
  const realtime = level === "strict-serializable";
  const process = realtime || level === "session-serializable";
  const dependencies = findDependencies(transactions, versions, { process, realtime });
  const cycles = findCycles(dependencies, isOver);
  const rank = (name: AnomalyName): number => ruledOut.indexOf(name);
  const found = [...versions.anomalies, ...cycles.anomalies]
    .filter(({ name }) => rank(name) !== -1)
    .sort((left, right) => rank(left.name) - rank(right.name) || left.operations.length - right.operations.length);
  const worst = found[0];
  if (worst === undefined) return cycles.isComplete ? OK : unknownVerdict("time");
  const { name: anomaly, explanation, operations: least } = worst;
  const also = [...new Set(found.map(({ name }) => name))].filter((name) => name !== anomaly);
  return {
    verdict: "violation",
    anomaly,
    explanation: explanation.map((text) => text.charAt(0).toUpperCase() + text.slice(1)),
    key: undefined,
    operations: least,
    also,
  };
}
