import { type Operation, operationText } from "./history.ts";
import { type Access, accessesOf, INITIAL_VALUE, versionName } from "./reads-from.ts";
import { OK, type Verdict } from "./verdict.ts";

/** What a session is promised, each for itself (Terry et al. 1994). */
export type SessionGuarantee = "read your writes" | "monotonic reads" | "monotonic writes" | "writes follow reads";

export const SESSION_GUARANTEES: readonly SessionGuarantee[] = [
  "read your writes",
  "monotonic reads",
  "monotonic writes",
  "writes follow reads",
];

/**
 * Whether each object's values have an order in which no session goes back. A session (a process) that meets two values of one object tells
 * which is the older one if the guarantee holds: what it wrote, then what it read; and so on. The first value is older than all. A circle
 * of such statements is a violation of the guarantees that made them. Reads of a value that is written more than once tell nothing.
 */
export function checkSessions(
  operations: readonly Operation[],
  guarantees: readonly SessionGuarantee[] = SESSION_GUARANTEES,
): Verdict {
  const accesses = accessesOf(operations);
  const counts = new Map<string, number>();
  for (const { kind, key, value } of accesses) {
    if (kind === "write") counts.set(versionName(key, value), (counts.get(versionName(key, value)) ?? 0) + 1);
  }
  const isTold = ({ key, value }: Access): boolean => {
    return (counts.get(versionName(key, value)) ?? 0) + (value === INITIAL_VALUE ? 1 : 0) === 1;
  };
  const objects = Map.groupBy(accesses.filter(isTold), ({ key }) => key);
  for (const [key, own] of objects) {
    const circle = shortestCircle(statementsOf(own, guarantees));
    if (circle !== undefined) return violationOf(key, circle);
  }
  return OK;
}

/** One value of an object is older than another, as two operations of a session tell. */
interface Statement {
  readonly older: string;
  readonly newer: string;
  readonly guarantee: SessionGuarantee | "first value";
  readonly because: readonly Access[];
}

function statementsOf(own: readonly Access[], guarantees: readonly SessionGuarantee[]): Statement[] {
  const statements: Statement[] = [];
  for (const access of own) {
    if (access.value === INITIAL_VALUE) continue;
    const because = [access];
    statements.push({ older: INITIAL_VALUE, newer: access.value, guarantee: "first value", because });
  }
  const last = new Map<number, { read?: Access; write?: Access }>();
  for (const access of own) {
    const { process } = access.operation;
    const before = last.get(process) ?? {};
    for (const earlier of [before.read, before.write]) {
      if (earlier === undefined || earlier.value === access.value) continue;
      const guarantee = guaranteeOf(earlier, access);
      if (!guarantees.includes(guarantee)) continue;
      statements.push({ older: earlier.value, newer: access.value, guarantee, because: [earlier, access] });
    }
    last.set(process, { ...before, [access.kind]: access });
  }
  return statements;
}

function guaranteeOf(earlier: Access, later: Access): SessionGuarantee {
  if (later.kind === "read") return earlier.kind === "write" ? "read your writes" : "monotonic reads";
  return earlier.kind === "write" ? "monotonic writes" : "writes follow reads";
}

/** By breadth-first search from each value. */
function shortestCircle(statements: readonly Statement[]): readonly Statement[] | undefined {
  const from = Map.groupBy(statements, ({ older }) => older);
  let shortest: readonly Statement[] | undefined;
  // Every circle has a statement of a session's: the first value alone makes none.
  for (const statement of statements) {
    if (statement.guarantee === "first value") continue;
    const back = pathOf(statement.newer, statement.older, from);
    if (back !== undefined && (shortest === undefined || back.length + 1 < shortest.length)) {
      shortest = [statement, ...back];
      if (shortest.length === 2) return shortest;
    }
  }
  return shortest;
}

function pathOf(
  source: string,
  target: string,
  from: ReadonlyMap<string, readonly Statement[]>,
): readonly Statement[] | undefined {
  const came = new Map<string, Statement>();
  const queue = [source];
  for (let at = 0; at < queue.length; at++) {
    for (const statement of from.get(queue[at]!) ?? []) {
      if (came.has(statement.newer)) continue;
      came.set(statement.newer, statement);
      if (statement.newer !== target) {
        queue.push(statement.newer);
        continue;
      }
      const path = [statement];
      while (path[0]!.older !== source) path.unshift(came.get(path[0]!.older)!);
      return path;
    }
  }
  return undefined;
}

function violationOf(key: string | undefined, circle: readonly Statement[]): Verdict {
  const explanation = circle.map(({ older, newer, guarantee, because }) => {
    if (guarantee === "first value") return `${newer} is newer than ${older}, the value at first.`;
    return `${newer} is not older than ${older}, by ${guarantee}: ${because.map(({ operation }) => operationText(operation)).join("; ")}.`;
  });
  const told = new Set(circle.map(({ guarantee }) => guarantee).filter((name) => name !== "first value"));
  const operations = [...new Set(circle.flatMap(({ because }) => because.map(({ operation }) => operation)))];
  return {
    verdict: "violation",
    anomaly: SESSION_GUARANTEES.filter((name) => told.has(name)).join(", "),
    explanation: [...explanation, "So each of these values would have to be older than itself."],
    key,
    operations: operations.sort((left, right) => left.id - right.id),
  };
}
