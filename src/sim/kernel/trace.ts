/**
 * One line an event, in columns:
 *
 *     0012.345678  n3  send    append to n1: term 4, 2 entries from 17
 *     time in s    who kind    what
 *
 * docs/operations/simulator.md lists the kinds.
 */
export interface TraceLine {
  readonly timeMillis: number;
  /** `n3` a node, `c1` a client, `-` the simulator itself. */
  readonly who: string;
  readonly kind: string;
  readonly what: string;
}

export function traceText({ timeMillis, who, kind, what }: TraceLine): string {
  return `${(timeMillis / 1000).toFixed(6).padStart(11, "0")}  ${who.padEnd(3)} ${kind.padEnd(8)} ${what}`;
}

/** The last lines of a run, and each of them to whoever listens. Lines are made only while a trace is wanted. */
export class Trace {
  readonly #linesMax: number;
  readonly #listen: ((line: TraceLine) => void) | undefined;
  readonly #ring: TraceLine[] = [];
  #next = 0;

  constructor(linesMax: number, listen?: (line: TraceLine) => void) {
    this.#linesMax = linesMax;
    this.#listen = listen;
  }

  add(line: TraceLine): void {
    this.#listen?.(line);
    if (this.#linesMax === 0) return;
    this.#ring[this.#next] = line;
    this.#next = (this.#next + 1) % this.#linesMax;
  }

  /** Oldest first. */
  get lines(): readonly TraceLine[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
  }
}
