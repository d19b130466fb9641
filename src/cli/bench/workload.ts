/** Shares of the requests' kinds in percent. */
export const OPERATIONS = {
  put: { put: 100 },
  get: { get: 100 },
  stat: { stat: 100 },
  delete: { delete: 50, put: 50 },
  list: { list: 100 },
  mixed: { get: 45, put: 15, delete: 10, stat: 30 },
} as const;

export type RequestKind = "put" | "get" | "stat" | "delete" | "list";
export type OperationName = keyof typeof OPERATIONS;

export interface Draw {
  readonly kind: RequestKind;
  readonly key: string;
}

/**
 * Which request comes next. Reads go to objects that are there; deletes take those that puts of this run have made, and where there are
 * none left a put comes instead: so the number of objects stays about what it was.
 */
export class Workload {
  readonly #shares: readonly (readonly [RequestKind, number])[];
  readonly #objects: number;
  readonly #random: () => number;
  /** Made by this run and answered. */
  readonly #made: string[] = [];
  #next = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(operation: OperationName, objects: number, random: () => number) {
    this.#shares = Object.entries(OPERATIONS[operation]) as [RequestKind, number][];
    this.#objects = objects;
    this.#random = random;
  }

  /** The keys that are there at the start. */
  *initialKeys(): Generator<string, void, void> {
    for (let at = 0; at < this.#objects; at++) yield initialKey(at);
  }

  draw(): Draw {
    let left = this.#random() * 100;
    let kind: RequestKind = this.#shares[0]![0];
    for (const [each, share] of this.#shares) {
      kind = each;
      left -= share;
      if (left < 0) break;
    }
    if (kind === "delete") {
      const key = this.#made.pop();
      if (key !== undefined) return { kind, key };
      kind = "put";
    }
    if (kind === "put") return { kind, key: `run-${String(this.#next++).padStart(9, "0")}` };
    return { kind, key: initialKey(Math.floor(this.#random() * this.#objects)) };
  }

  answered({ kind, key }: Draw): void {
    if (kind === "put") this.#made.push(key);
  }
}

function initialKey(at: number): string {
  return `object-${String(at).padStart(9, "0")}`;
}
