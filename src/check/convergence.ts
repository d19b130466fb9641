import { type Operation, operationText } from "./history.ts";
import { type Access, accessesOf, INITIAL_VALUE } from "./reads-from.ts";
import { OK, type Verdict } from "./verdict.ts";

/**
 * Whether all processes came to read the same value of each object after its last write, one that was written. Only each process's last
 * read counts, and only if it began after all writes of the object had ended: what is read before may still be on its way.
 */
export function checkConvergence(operations: readonly Operation[]): Verdict {
  let unsure: Verdict | undefined;
  for (const [key, own] of Map.groupBy(accessesOf(operations), (access) => access.key)) {
    const verdict = objectVerdict(key, own);
    if (verdict.verdict === "violation") return verdict;
    if (verdict.verdict === "unknown") unsure = verdict;
  }
  return unsure ?? OK;
}

function objectVerdict(key: string | undefined, own: readonly Access[]): Verdict {
  const writes = own.filter(({ kind }) => kind === "write");
  const open = writes.find(({ operation }) => operation.outcome === "unknown");
  const lastEnd = lastEndOf(writes);
  const finals = new Map<number, Access>();
  for (const access of own) {
    if (access.kind === "read" && access.operation.start > lastEnd) finals.set(access.operation.process, access);
  }
  const [first, ...others] = finals.values();
  if (first === undefined) return OK;
  const values = new Set([...writes.map(({ value }) => value), INITIAL_VALUE]);
  const stranger = [...finals.values()].find(({ value }) => !values.has(value));
  if (stranger !== undefined) return violationOf(key, "It read a value that nobody wrote", [stranger]);
  const other = others.find(({ value }) => value !== first.value);
  if (other === undefined) return OK;
  if (open === undefined)
    return violationOf(key, "All writes had ended, and they read different values", [first, other]);
  const detail = `A write of unknown outcome may still change ${key ?? "the object"}: ${operationText(open.operation)}.`;
  return { verdict: "unknown", reason: "ambiguous", detail };
}

function violationOf(key: string | undefined, what: string, reads: readonly Access[]): Verdict {
  const operations = reads.map(({ operation }) => operation).sort((left, right) => left.id - right.id);
  const explanation = [`${what}: ${operations.map(operationText).join("; ")}.`];
  return { verdict: "violation", anomaly: "convergence", explanation, key, operations };
}

/** Of those whose end is known. */
function lastEndOf(writes: readonly Access[]): number {
  return writes.reduce((last, { operation: { end } }) => (Number.isFinite(end) ? Math.max(last, end) : last), -1);
}
