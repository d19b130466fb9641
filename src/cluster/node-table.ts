import { type Store, TABLES } from "../store/index.ts";
import { followTable } from "./follow-table.ts";
import { decodeNodeRow, type NodeRow, nodeOfKey } from "./node-row.ts";

export interface NodeTableOptions {
  readonly store: Store;
  /** Resolves later, or at once where it is closed meanwhile. */
  readonly pause: (millis: number, signal: AbortSignal) => Promise<void>;
  /** After each change, and after the first reading. */
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * The rows of all nodes in memory, as this node's own machine has them: a little old at worst, and only ever newer. Other
 * parts ask it where they can not wait.
 */
export class NodeTable implements AsyncDisposable {
  readonly #options: NodeTableOptions;
  readonly #rows = new Map<number, NodeRow>();
  readonly #abort = new AbortController();
  readonly #loop: Promise<void>;

  constructor(options: NodeTableOptions) {
    this.#options = options;
    this.#loop = this.#follow();
  }

  get(id: number): NodeRow | undefined {
    return this.#rows.get(id);
  }

  all(): readonly NodeRow[] {
    return [...this.#rows.values()].sort((left, right) => left.id - right.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  #follow(): Promise<void> {
    const { store, pause, onChange, onError } = this.#options;
    return followTable({
      ...{ store, table: TABLES.node, pause, onError, signal: this.#abort.signal },
      loaded: (rows) => {
        for (const { key, value } of rows) this.#take(nodeOfKey(key), value);
        onChange();
      },
      changed: (changes) => {
        for (const { key, value } of changes) this.#take(nodeOfKey(key), value);
        onChange();
      },
    });
  }

  #take(id: number, value: Uint8Array | undefined): void {
    if (id === 0) return;
    if (value === undefined) this.#rows.delete(id);
    else this.#rows.set(id, decodeNodeRow(id, value));
  }
}
