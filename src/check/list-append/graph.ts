/** Why one transaction comes before another. Bits, so that a set of kinds is a number. */
export const EDGE = { ww: 1, wr: 2, rw: 4, process: 8, realtime: 16 } as const;

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: number;
  /** The list and the element that it is about; empty for orders. */
  readonly key: string;
  readonly element: string;
}

/** A directed graph over integers, with several edges between two nodes. */
export class Graph {
  readonly #edges: Edge[][];

  constructor(size: number) {
    this.#edges = Array.from({ length: size }, () => []);
  }

  get size(): number {
    return this.#edges.length;
  }

  add(edge: Edge): void {
    if (edge.from !== edge.to) this.#edges[edge.from]!.push(edge);
  }

  from(node: number): readonly Edge[] {
    return this.#edges[node]!;
  }

  /** The strongly connected components of more than one node, by edges of these kinds (Tarjan 1972, without recursion). */
  components(kinds: number): number[][] {
    const state = new TarjanState(this.size);
    const found: number[][] = [];
    for (let root = 0; root < this.size; root++) {
      if (state.order[root] === 0) this.#visit(root, kinds, state, found);
    }
    return found;
  }

  /** The fewest edges of these kinds that lead from one node to another inside of a component; undefined where none do. */
  path(source: number, target: number, kinds: number, inside: ReadonlySet<number>): Edge[] | undefined {
    const came = new Map<number, Edge>();
    const queue = [source];
    for (let at = 0; at < queue.length; at++) {
      for (const edge of this.#edges[queue[at]!]!) {
        if ((edge.kind & kinds) === 0 || !inside.has(edge.to) || came.has(edge.to)) continue;
        came.set(edge.to, edge);
        if (edge.to === target) return pathTo(source, target, came);
        queue.push(edge.to);
      }
    }
    return undefined;
  }

  #visit(root: number, kinds: number, state: TarjanState, found: number[][]): void {
    const path = [root];
    state.open(root);
    while (path.length > 0) {
      const node = path.at(-1)!;
      const edge = this.#edges[node]![state.tried[node]!++];
      if (edge !== undefined) {
        if ((edge.kind & kinds) === 0) continue;
        if (state.order[edge.to] === 0) {
          state.open(edge.to);
          path.push(edge.to);
        } else if (state.isOpen[edge.to] === 1) {
          state.low[node] = Math.min(state.low[node]!, state.order[edge.to]!);
        }
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) state.low[parent] = Math.min(state.low[parent]!, state.low[node]!);
      if (state.low[node] !== state.order[node]) continue;
      const component = state.close(node);
      if (component.length > 1) found.push(component);
    }
  }
}

class TarjanState {
  /** When each node was met, from 1; 0 where it was not. */
  readonly order: Int32Array;
  readonly low: Int32Array;
  readonly tried: Int32Array;
  readonly isOpen: Uint8Array;
  readonly #stack: number[] = [];
  #count = 0;

  constructor(size: number) {
    this.order = new Int32Array(size);
    this.low = new Int32Array(size);
    this.tried = new Int32Array(size);
    this.isOpen = new Uint8Array(size);
  }

  open(node: number): void {
    this.order[node] = this.low[node] = ++this.#count;
    this.isOpen[node] = 1;
    this.#stack.push(node);
  }

  close(root: number): number[] {
    const component: number[] = [];
    for (;;) {
      const node = this.#stack.pop()!;
      this.isOpen[node] = 0;
      component.push(node);
      if (node === root) return component;
    }
  }
}

function pathTo(source: number, target: number, came: ReadonlyMap<number, Edge>): Edge[] {
  const edges: Edge[] = [];
  let node = target;
  do {
    const edge = came.get(node)!;
    edges.unshift(edge);
    node = edge.from;
  } while (node !== source);
  return edges;
}
