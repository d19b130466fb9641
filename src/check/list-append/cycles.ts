import type { Anomaly, AnomalyName, CycleAnomaly } from "./anomaly.ts";
import type { Dependencies } from "./dependencies.ts";
import { EDGE, type Edge, type Graph } from "./graph.ts";
import { lineOf } from "./versions.ts";

const WRITES = EDGE.ww;
const INFORMATION = EDGE.ww | EDGE.wr;
const ALL = EDGE.ww | EDGE.wr | EDGE.rw;
/** Cycles that are looked for in one component, each from another edge: the shortest of them is shown. */
const TRIES_MAX = 100;

interface Search {
  readonly name: CycleAnomaly;
  /** A cycle has an edge of this kind ... */
  readonly first: number;
  /** ... and is closed by edges of these. */
  readonly rest: number;
}

/** The worst first. G2 takes what is left: cycles with more than one rw. */
const SEARCHES: readonly Search[] = [
  { name: "G0", first: EDGE.ww, rest: WRITES },
  { name: "G1c", first: EDGE.wr, rest: INFORMATION },
  { name: "G-single", first: EDGE.rw, rest: INFORMATION },
  { name: "G2", first: EDGE.rw, rest: ALL },
];

const ORDERS = [
  { suffix: "", kinds: 0 },
  { suffix: "-process", kinds: EDGE.process },
  { suffix: "-realtime", kinds: EDGE.process | EDGE.realtime },
] as const;

export interface FoundCycles {
  readonly anomalies: readonly Anomaly[];
  /** Whether there was time to look for all of them. */
  readonly isComplete: boolean;
}

/** The shortest cycle found of each kind. */
export function findCycles(dependencies: Dependencies, isOver: () => boolean): FoundCycles {
  const { graph } = dependencies;
  const found: Anomaly[] = [];
  const names = new Set<CycleAnomaly>();
  for (const { suffix, kinds } of ORDERS) {
    // Most histories have no circle at all, which one look at all edges tells.
    if (graph.components(ALL | kinds).length === 0) continue;
    for (const search of SEARCHES) {
      if (isOver()) return { anomalies: found, isComplete: false };
      // What is a cycle without an order is no news with it.
      if (names.has(search.name)) continue;
      const cycle = shortestCycle(graph, { ...search, rest: search.rest | kinds }, isOver);
      if (cycle === undefined) continue;
      names.add(search.name);
      found.push(anomalyOf(`${search.name}${suffix}`, cycle, dependencies));
    }
  }
  return { anomalies: found, isComplete: !isOver() };
}

function shortestCycle(graph: Graph, { name, first, rest }: Search, isOver: () => boolean): Edge[] | undefined {
  let shortest: Edge[] | undefined;
  for (const component of graph.components(first | rest)) {
    const inside = new Set(component);
    let tries = 0;
    for (const edge of component.flatMap((node) => graph.from(node))) {
      if ((edge.kind & first) === 0 || !inside.has(edge.to)) continue;
      // Only G-single's edges may be on no such cycle, though each is on some: there one that was found ends it, or the time does.
      if (tries >= TRIES_MAX && (shortest !== undefined || name !== "G-single")) break;
      tries++;
      if (tries % TRIES_MAX === 0 && isOver()) return shortest;
      const back = graph.path(edge.to, edge.from, rest, inside);
      if (back === undefined) continue;
      const cycle = [edge, ...back];
      if (name === "G2" && cycle.filter(({ kind }) => kind === EDGE.rw).length < 2) continue;
      if (shortest === undefined || cycle.length < shortest.length) shortest = cycle;
      if (shortest.length === 2) return shortest;
    }
  }
  return shortest;
}

function anomalyOf(name: AnomalyName, cycle: readonly Edge[], { transactions }: Dependencies): Anomaly {
  const operationOf = (node: number) => transactions[node]!.operation;
  const sentences = cycle.map(({ from, to, kind, key, element }) => {
    const before = capital(lineOf(operationOf(from)));
    const after = lineOf(operationOf(to));
    switch (kind) {
      case EDGE.ww:
        return `${before} appended to ${key} before ${after} appended ${element} to it.`;
      case EDGE.wr:
        return `${before} appended ${element} to ${key}, and ${after} read it.`;
      case EDGE.rw:
        return `${before} read ${key} without ${element}, which ${after} appended.`;
      case EDGE.process:
        return `${before} was done before its process began ${after}.`;
      default:
        return `${before} was done before ${after} began.`;
    }
  });
  const operations = [...new Set(cycle.map(({ from }) => operationOf(from)))];
  return {
    name,
    explanation: [...sentences, "So each of them would have to come before itself."],
    operations: operations.sort((left, right) => left.id - right.id),
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
