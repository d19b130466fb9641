import { checkFailure } from "../errors.ts";
import type { Operation } from "../history.ts";
import type { Anomaly, DirectAnomaly } from "./anomaly.ts";
import type { Step, Transaction } from "./transactions.ts";

type Read = Extract<Step, { kind: "read" }>;

/** Where one element came from. */
export interface Append {
  readonly transaction: Transaction;
  /** Whether the transaction appends to the same list again afterwards: nobody else may see the list end here. */
  readonly isIntermediate: boolean;
}

export interface Versions {
  /** The elements of each list in their order, as far as a committed transaction read them. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  /** By key, then by element. */
  readonly appends: ReadonlyMap<string, ReadonlyMap<string, Append>>;
  /** What can be seen without following dependencies. */
  readonly anomalies: readonly Anomaly[];
}

/**
 * A list tells its own history: every version is the one before with an element more, so the longest read of a list holds the order of all
 * versions up to it, and every other read has to be a beginning of it. Each element is appended to a list only once.
 */
export function findVersions(transactions: readonly Transaction[]): Versions {
  const appends = appendsOf(transactions);
  const anomalies: Anomaly[] = [];
  const longest = new Map<string, { readonly read: Read; readonly operation: Operation }>();
  const committed = transactions.filter(({ operation }) => operation.outcome === "ok");
  for (const { operation, steps } of committed) {
    for (const read of steps.filter((step) => step.kind === "read")) {
      const duplicate = firstDuplicate(read.elements);
      if (duplicate !== undefined) {
        const what = `${lineOf(operation)} read ${listText(read)}, which holds ${duplicate} more than once.`;
        anomalies.push(anomalyOf("duplicate", [what], [operation]));
      } else if (read.elements.length > (longest.get(read.key)?.read.elements.length ?? 0)) {
        longest.set(read.key, { read, operation });
      }
    }
  }
  for (const transaction of committed) {
    const inside = internalAnomaly(transaction);
    if (inside !== undefined) anomalies.push(inside);
    for (const step of transaction.steps) {
      if (step.kind === "read") anomalies.push(...readAnomalies(step, transaction, appends, longest.get(step.key)));
    }
  }
  const orders = new Map(Array.from(longest, ([key, { read }]) => [key, read.elements]));
  return { orders, appends, anomalies };
}

function appendsOf(transactions: readonly Transaction[]): Map<string, Map<string, Append>> {
  const appends = new Map<string, Map<string, Append>>();
  for (const transaction of transactions) {
    const { steps, operation } = transaction;
    for (const [at, step] of steps.entries()) {
      if (step.kind === "read") continue;
      const { key, element } = step;
      let ofKey = appends.get(key);
      if (ofKey === undefined) appends.set(key, (ofKey = new Map()));
      const before = ofKey.get(element);
      if (before !== undefined) {
        const { line } = operation;
        const first = before.transaction.operation.line;
        const what = `Line ${line} appends ${element} to ${key}, as line ${first} does: each element has to be appended once.`;
        throw checkFailure("HISTORY_VALUE", { what, data: { line } });
      }
      const isIntermediate = steps.slice(at + 1).some((later) => later.kind === "append" && later.key === key);
      ofKey.set(element, { transaction, isIntermediate });
    }
  }
  return appends;
}

/** What a transaction reads has to agree with what it did itself before. */
function internalAnomaly({ operation, steps }: Transaction): Anomaly | undefined {
  const own = new Map<string, { readonly begin: readonly string[] | undefined; readonly end: readonly string[] }>();
  for (const step of steps) {
    const { begin, end } = own.get(step.key) ?? { begin: undefined, end: [] };
    if (step.kind === "append") {
      own.set(step.key, { begin, end: [...end, step.element] });
      continue;
    }
    const { elements } = step;
    const expected = begin === undefined ? undefined : [...begin, ...end];
    const isRight =
      expected === undefined
        ? end.every((element, at) => elements[elements.length - end.length + at] === element)
        : expected.length === elements.length && isBeginning(expected, elements);
    if (!isRight) {
      const hoped = expected === undefined ? `a list that ends in ${end.join(", ")}` : `[${expected.join(", ")}]`;
      const what = `${lineOf(operation)} read ${listText(step)} where its own steps before make it ${hoped}.`;
      return anomalyOf("internal", [what], [operation]);
    }
    own.set(step.key, { begin: elements, end: [] });
  }
  return undefined;
}

function readAnomalies(
  read: Read,
  reader: Transaction,
  appends: Versions["appends"],
  longest: { readonly read: Read; readonly operation: Operation } | undefined,
): Anomaly[] {
  const { operation } = reader;
  const found: Anomaly[] = [];
  if (longest !== undefined && !isBeginning(read.elements, longest.read.elements)) {
    const [mine, other] = [listText(read), listText(longest.read)];
    const readers = `${lineOf(operation)} read ${mine}, and ${lineOf(longest.operation)} ${other}`;
    const what = `${readers}: neither is a beginning of the other.`;
    found.push(anomalyOf("incompatible-order", [what], [operation, longest.operation]));
  }
  for (const element of read.elements) {
    const append = appends.get(read.key)?.get(element);
    if (append === undefined) {
      const what = `${lineOf(operation)} read ${listText(read)}, and nobody appended ${element}.`;
      found.push(anomalyOf("garbage", [what], [operation]));
    } else if (append.transaction.operation.outcome === "fail") {
      const writer = append.transaction.operation;
      const what = `${lineOf(operation)} read ${element} in ${read.key}, which ${lineOf(writer)} appended, and that one failed.`;
      found.push(anomalyOf("G1a", [what], [writer, operation]));
    }
  }
  const last = read.elements.at(-1);
  const append = last === undefined ? undefined : appends.get(read.key)?.get(last);
  if (append?.isIntermediate === true && append.transaction !== reader) {
    const writer = append.transaction.operation;
    const what = `${lineOf(operation)} read ${read.key} up to ${last}, in the middle of ${lineOf(writer)}, which appended more to it.`;
    found.push(anomalyOf("G1b", [what], [writer, operation]));
  }
  return found;
}

function isBeginning(short: readonly string[], long: readonly string[]): boolean {
  return short.every((element, at) => element === long[at]);
}

function firstDuplicate(elements: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return elements.find((element) => seen.size === seen.add(element).size);
}

function anomalyOf(name: DirectAnomaly, explanation: readonly string[], operations: readonly Operation[]): Anomaly {
  return { name, explanation, operations: [...new Set(operations)].sort((left, right) => left.id - right.id) };
}

export function lineOf({ line, process }: Operation): string {
  return `the transaction of process ${process} (line ${line})`;
}

function listText({ key, elements }: Read): string {
  const shown = elements.length <= 12 ? elements : ["…", ...elements.slice(-11)];
  return `${key} as [${shown.join(", ")}]`;
}
