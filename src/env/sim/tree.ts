import { compareBytes } from "../../std/bytes.ts";
import type { IndexRange, IndexRow } from "../env.ts";

const ENTRIES_MAX = 32;
/** A node with fewer is merged with its neighbour where both fit into one. */
const ENTRIES_MIN = 8;

/** Whoever holds the same edit may change the node in place; all others see it as it is for ever. */
type Edit = object;

interface Leaf {
  readonly edit: Edit;
  readonly keys: Uint8Array[];
  readonly values: Uint8Array[];
}

/** Child n holds the keys from separator n - 1 on, up to separator n. */
interface Branch {
  readonly edit: Edit;
  readonly separators: Uint8Array[];
  readonly children: Node[];
}

type Node = Leaf | Branch;

/** A state of the tree that nobody changes any more. */
export type TreeState = Node;

export const EMPTY_TREE: TreeState = { edit: {}, keys: [], values: [] } satisfies Leaf;

/**
 * A B+ tree of byte strings whose states are kept by reference: `state` is O(1), and what changes after it copies only
 * the nodes on its way (persistent data structures as in Driscoll, Sarnak, Sleator, Tarjan 1989, by path copying).
 * Between two calls of `state` nodes are changed in place, so that a tree without snapshots costs no copies. Keys and
 * values are kept as given.
 */
export class Tree {
  #root: Node;
  #edit: Edit = {};

  constructor(state: TreeState = EMPTY_TREE) {
    this.#root = state;
  }

  state(): TreeState {
    this.#edit = {};
    return this.#root;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    let node = this.#root;
    while (isBranch(node)) node = node.children[childFor(node, key)]!;
    const at = lowerBound(node.keys, key);
    return at < node.keys.length && compareBytes(node.keys[at]!, key) === 0 ? node.values[at] : undefined;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const root = this.#put(this.#root, key, value);
    const right = this.#splitIfFull(root);
    if (right === undefined) this.#root = root;
    else this.#root = { edit: this.#edit, separators: [right.separator], children: [root, right.node] };
  }

  delete(key: Uint8Array): void {
    let root = this.#delete(this.#root, key);
    while (isBranch(root) && root.children.length === 1) root = root.children[0]!;
    this.#root = root;
  }

  #put(node: Node, key: Uint8Array, value: Uint8Array): Node {
    if (isBranch(node)) {
      const at = childFor(node, key);
      const child = this.#put(node.children[at]!, key, value);
      const right = this.#splitIfFull(child);
      if (right === undefined && child === node.children[at]) return node;
      const branch = this.#editableBranch(node);
      branch.children[at] = child;
      if (right !== undefined) {
        branch.separators.splice(at, 0, right.separator);
        branch.children.splice(at + 1, 0, right.node);
      }
      return branch;
    }
    const leaf = this.#editableLeaf(node);
    const at = lowerBound(leaf.keys, key);
    if (at < leaf.keys.length && compareBytes(leaf.keys[at]!, key) === 0) {
      leaf.values[at] = value;
    } else {
      leaf.keys.splice(at, 0, key);
      leaf.values.splice(at, 0, value);
    }
    return leaf;
  }

  /** Moves the upper half of an editable node into a new one. */
  #splitIfFull(node: Node): { readonly separator: Uint8Array; readonly node: Node } | undefined {
    if (sizeOf(node) <= ENTRIES_MAX) return undefined;
    const half = sizeOf(node) >> 1;
    if (isBranch(node)) {
      const children = node.children.splice(half);
      const separators = node.separators.splice(half);
      const separator = node.separators.pop()!;
      return { separator, node: { edit: this.#edit, separators, children } };
    }
    const keys = node.keys.splice(half);
    return { separator: keys[0]!, node: { edit: this.#edit, keys, values: node.values.splice(half) } };
  }

  #delete(node: Node, key: Uint8Array): Node {
    if (!isBranch(node)) {
      const at = lowerBound(node.keys, key);
      if (at === node.keys.length || compareBytes(node.keys[at]!, key) !== 0) return node;
      const leaf = this.#editableLeaf(node);
      leaf.keys.splice(at, 1);
      leaf.values.splice(at, 1);
      return leaf;
    }
    const at = childFor(node, key);
    const child = this.#delete(node.children[at]!, key);
    if (child === node.children[at] && sizeOf(child) >= ENTRIES_MIN) return node;
    const branch = this.#editableBranch(node);
    branch.children[at] = child;
    if (sizeOf(child) < ENTRIES_MIN) this.#merge(branch, at === 0 ? 0 : at - 1);
    return branch;
  }

  /** Joins child `at` with its right neighbour if both fit into one node. */
  #merge(branch: Branch, at: number): void {
    const left = branch.children[at]!;
    const right = branch.children[at + 1];
    if (right === undefined || sizeOf(left) + sizeOf(right) > ENTRIES_MAX) return;
    const [separator] = branch.separators.splice(at, 1);
    branch.children.splice(at + 1, 1);
    if (isBranch(left) && isBranch(right)) {
      const joined = this.#editableBranch(left);
      joined.separators.push(separator!, ...right.separators);
      joined.children.push(...right.children);
      branch.children[at] = joined;
    } else if (!isBranch(left) && !isBranch(right)) {
      const joined = this.#editableLeaf(left);
      joined.keys.push(...right.keys);
      joined.values.push(...right.values);
      branch.children[at] = joined;
    }
  }

  #editableLeaf(leaf: Leaf): Leaf {
    if (leaf.edit === this.#edit) return leaf;
    return { edit: this.#edit, keys: leaf.keys.slice(), values: leaf.values.slice() };
  }

  #editableBranch(branch: Branch): Branch {
    if (branch.edit === this.#edit) return branch;
    return { edit: this.#edit, separators: branch.separators.slice(), children: branch.children.slice() };
  }

  scan(range: IndexRange): IndexRow[] {
    return scanTree(this.#root, range);
  }
}

/** Rows of the range by reference to the tree's own bytes. */
export function scanTree(state: TreeState, range: IndexRange): IndexRow[] {
  const rows: IndexRow[] = [];
  if (range.limit > 0) collect(state, range, rows);
  return rows;
}

export function countRows(state: TreeState): number {
  if (!isBranch(state)) return state.keys.length;
  return state.children.reduce((sum, child) => sum + countRows(child), 0);
}

/** False once the range or the limit is done. */
function collect(node: Node, range: IndexRange, rows: IndexRow[]): boolean {
  const { from, to, limit, reverse = false } = range;
  if (isBranch(node)) {
    const first = from === undefined ? 0 : childFor(node, from);
    const last = to === undefined ? node.children.length - 1 : childFor(node, to);
    for (let step = 0; step <= last - first; step++) {
      if (!collect(node.children[reverse ? last - step : first + step]!, range, rows)) return false;
    }
    return true;
  }
  const first = from === undefined ? 0 : lowerBound(node.keys, from);
  const end = to === undefined ? node.keys.length : lowerBound(node.keys, to);
  for (let step = 0; step < end - first; step++) {
    if (rows.length === limit) return false;
    const at = reverse ? end - 1 - step : first + step;
    rows.push({ key: node.keys[at]!, value: node.values[at]! });
  }
  return rows.length < limit;
}

function isBranch(node: Node): node is Branch {
  return "children" in node;
}

function sizeOf(node: Node): number {
  return isBranch(node) ? node.children.length : node.keys.length;
}

/** The first place whose key is not below this one. */
function lowerBound(keys: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child whose range holds the key: one behind the last separator that is not above it. */
function childFor(branch: Branch, key: Uint8Array): number {
  let low = 0;
  let high = branch.separators.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(branch.separators[middle]!, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
