import type { Operation } from "../history.ts";
import { EDGE, Graph } from "./graph.ts";
import type { Transaction } from "./transactions.ts";
import type { Versions } from "./versions.ts";

export interface Dependencies {
  readonly graph: Graph;
  /** What the graph's nodes are: all that committed, and those of unknown outcome that somebody saw the effect of. */
  readonly transactions: readonly Transaction[];
}

export interface DependencyOptions {
  readonly process: boolean;
  readonly realtime: boolean;
}

/**
 * Who has to come before whom (Adya 1999; Kingsbury and Alvaro 2020):
 *
 *   ww  one appended, and the other appended the next element of the same list
 *   wr  one appended the element that the other saw last
 *   rw  one read a list without the element that the other appended next
 *
 * An element that nobody read stands somewhere behind all that were read, so its append follows the last of those.
 */
export function findDependencies(
  all: readonly Transaction[],
  { orders, appends }: Versions,
  options: DependencyOptions,
): Dependencies {
  const observed = new Set<Transaction>();
  for (const [key, order] of orders) {
    for (const element of order) {
      const append = appends.get(key)?.get(element);
      if (append !== undefined) observed.add(append.transaction);
    }
  }
  const transactions = all.filter((each) => each.operation.outcome === "ok" || observed.has(each));
  const graph = new Graph(transactions.length);
  const nodes = new Map(transactions.map((each, at) => [each, at]));
  const chains = chainsOf(nodes, { orders, appends });
  for (const [key, chain] of chains) addAppendEdges(graph, key, chain);
  for (const [node, { steps, operation }] of transactions.entries()) {
    if (operation.outcome !== "ok") continue;
    for (const step of steps) {
      if (step.kind === "read") addReadEdges(graph, node, step, chains.get(step.key));
    }
  }
  const operations = transactions.map(({ operation }) => operation);
  if (options.process) addProcessEdges(graph, operations);
  if (options.realtime) addRealtimeEdges(graph, operations);
  return { graph, transactions };
}

interface Link {
  readonly element: string;
  readonly node: number;
}

/** The appends to one list. */
interface Chain {
  readonly ordered: readonly Link[];
  /** Behind all of those, in an order that nobody saw. */
  readonly unread: readonly Link[];
  readonly placeOf: ReadonlyMap<string, number>;
}

function chainsOf(
  nodes: ReadonlyMap<Transaction, number>,
  { orders, appends }: Pick<Versions, "orders" | "appends">,
): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  for (const [key, ofKey] of appends) {
    const ordered: Link[] = [];
    const placeOf = new Map<string, number>();
    for (const element of orders.get(key) ?? []) {
      const append = ofKey.get(element);
      const node = append && nodes.get(append.transaction);
      // What nobody appended is an anomaly by itself.
      if (node === undefined) continue;
      placeOf.set(element, ordered.length);
      ordered.push({ element, node });
    }
    const unread: Link[] = [];
    for (const [element, { transaction }] of ofKey) {
      const node = nodes.get(transaction);
      const isCommitted = transaction.operation.outcome === "ok";
      if (node !== undefined && isCommitted && !placeOf.has(element)) unread.push({ element, node });
    }
    chains.set(key, { ordered, unread, placeOf });
  }
  return chains;
}

function addAppendEdges(graph: Graph, key: string, { ordered, unread }: Chain): void {
  for (let at = 1; at < ordered.length; at++) {
    const { element, node: to } = ordered[at]!;
    graph.add({ from: ordered[at - 1]!.node, to, kind: EDGE.ww, key, element });
  }
  const last = ordered.at(-1);
  if (last === undefined) return;
  for (const { element, node: to } of unread) graph.add({ from: last.node, to, kind: EDGE.ww, key, element });
}

function addReadEdges(
  graph: Graph,
  node: number,
  { key, elements }: { readonly key: string; readonly elements: readonly string[] },
  chain: Chain | undefined,
): void {
  if (chain === undefined) return;
  const last = elements.at(-1);
  const place = last === undefined ? -1 : chain.placeOf.get(last);
  if (place === undefined) return;
  if (place >= 0) graph.add({ from: chain.ordered[place]!.node, to: node, kind: EDGE.wr, key, element: last! });
  const next = chain.ordered[place + 1];
  for (const { element, node: to } of next === undefined ? chain.unread.slice(0, UNREAD_EDGES_MAX) : [next]) {
    graph.add({ from: node, to, kind: EDGE.rw, key, element });
  }
}

/** Edges from one read to elements that nobody read: a few find the cycle as well, and all of them could be the square of the history. */
const UNREAD_EDGES_MAX = 16;

function addProcessEdges(graph: Graph, operations: readonly Operation[]): void {
  const last = new Map<number, number>();
  for (const [to, { process }] of operations.entries()) {
    const from = last.get(process);
    if (from !== undefined) graph.add({ from, to, kind: EDGE.process, key: "", element: "" });
    last.set(process, to);
  }
}

/**
 * One ended before the other began. Only the latest ends are linked: whoever ended before one of them began is reached through it, so there
 * are no more edges to a node than transactions were open at once.
 */
function addRealtimeEdges(graph: Graph, operations: readonly Operation[]): void {
  const ended = [...operations.keys()]
    .filter((node) => operations[node]!.end !== Number.POSITIVE_INFINITY)
    .sort((left, right) => operations[left]!.end - operations[right]!.end);
  let latest: number[] = [];
  let at = 0;
  for (const [to, { start }] of operations.entries()) {
    while (at < ended.length && operations[ended[at]!]!.end < start) {
      const node = ended[at++]!;
      latest = latest.filter((other) => operations[other]!.end > operations[node]!.start);
      latest.push(node);
    }
    for (const from of latest) graph.add({ from, to, kind: EDGE.realtime, key: "", element: "" });
  }
}
