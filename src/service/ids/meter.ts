// What the ids service has counted since the node started, and what it could not do of late.
//
// Names are the users' to choose, so only so many are counted by themselves: those that are served first. All others are
// one. Counts stay where what they count is let go of, so that they never fall: a tag that is taken up again goes on.

import type { Clock } from "../../env/index.ts";
import { AshlarError } from "../../std/errors.ts";

export interface GeneratorCounts {
  ids: number;
  /** Worker numbers that were taken. */
  claims: number;
  /** Windows that were moved on. */
  renewals: number;
  /** Worker numbers that passed on to another holder. */
  losses: number;
}

export interface TagCounts {
  numbers: number;
  requests: number;
  /** Requests that had to wait until a block was fetched. */
  waits: number;
  /** Blocks. */
  fetches: number;
}

export type IdsObject = { readonly generator: string } | { readonly tag: string };

/** Ids that can not be had, for a reason that does not lie with who asks. */
export interface IdsTrouble {
  readonly of: IdsObject;
  readonly failure: AshlarError;
  readonly sinceMillis: number;
}

export type IdsEvent =
  | { readonly kind: "ids-refused"; readonly of: IdsObject; readonly failure: AshlarError }
  | { readonly kind: "worker-lost"; readonly generator: string; readonly worker: number };

/** Counted by themselves. */
export const NAMES_COUNTED_MAX = 100;
/** No name has parentheses. */
export const OTHER_NAMES = "(others)";
const TROUBLES_MAX = 100;
/** In the time between two of one thing. */
const EVENTS_MAX = 100;
/** Where nobody has asked for so long, it is not known any more whether there would be an id. */
const TROUBLE_MILLIS_MAX = 60_000;
/** Between two events of one kind and thing. */
const EVENT_PAUSE_MILLIS = 600_000;

/** With what neither the Store's state tells nor the caller's request: codes of generators and of outside sources. */
const TROUBLE_CODES: ReadonlySet<string> = new Set([
  ...["WORKERS_EXHAUSTED", "CLOCK_BEHIND", "CLOCK_BEFORE_EPOCH", "TIME_EXHAUSTED", "TAG_USED_UP"],
  ...["WORKER_SOURCE_UNAVAILABLE", "UNAVAILABLE", "DENIED", "UNSAFE"],
  ...["SEQUENCE_MISSING", "SEQUENCE_REFUSED", "SEQUENCE_DENIED", "SEQUENCE_UNAVAILABLE"],
]);

export class IdsMeter {
  readonly generators: Tally<GeneratorCounts> = new Tally(() => ({ ids: 0, claims: 0, renewals: 0, losses: 0 }));
  readonly tags: Tally<TagCounts> = new Tally(() => ({ numbers: 0, requests: 0, waits: 0, fetches: 0 }));
  /** By the error's code. */
  readonly refusals: Map<string, number> = new Map();
  readonly #clock: Clock;
  readonly #tell: (event: IdsEvent) => void;
  readonly #troubles = new Map<string, IdsTrouble & { lastMillis: number; failure: AshlarError }>();
  readonly #told = new Map<string, number>();

  constructor(clock: Clock, tell: (event: IdsEvent) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  generatorServed(generator: string, ids: number): void {
    this.generators.of(generator).ids += ids;
    if (this.#troubles.size > 0) this.#troubles.delete(keyOf({ generator }));
  }

  tagServed(tag: string, numbers: number): void {
    const counts = this.tags.of(tag);
    counts.requests++;
    counts.numbers += numbers;
    if (this.#troubles.size > 0) this.#troubles.delete(keyOf({ tag }));
  }

  refused(of: IdsObject, error: unknown): void {
    if (!(error instanceof AshlarError)) return;
    this.refusals.set(error.code, (this.refusals.get(error.code) ?? 0) + 1);
    if (TROUBLE_CODES.has(error.code)) this.#troubled(of, error);
  }

  workerLost(generator: string, worker: number): void {
    this.generators.of(generator).losses++;
    this.#tellSeldom(`lost ${generator}`, { kind: "worker-lost", generator, worker });
  }

  /** It is there no more. */
  forget(of: IdsObject): void {
    this.#troubles.delete(keyOf(of));
  }

  troubles(): readonly IdsTrouble[] {
    const sinceMillis = this.#clock.monotonic() - TROUBLE_MILLIS_MAX;
    for (const [key, { lastMillis }] of this.#troubles) if (lastMillis < sinceMillis) this.#troubles.delete(key);
    return [...this.#troubles.values()];
  }

  #troubled(of: IdsObject, failure: AshlarError): void {
    const key = keyOf(of);
    const lastMillis = this.#clock.monotonic();
    const known = this.#troubles.get(key);
    if (known !== undefined) {
      known.lastMillis = lastMillis;
      known.failure = failure;
    } else if (this.troubles().length < TROUBLES_MAX) {
      this.#troubles.set(key, { of, failure, sinceMillis: this.#clock.now(), lastMillis });
    }
    this.#tellSeldom(key, { kind: "ids-refused", of, failure });
  }

  #tellSeldom(key: string, event: IdsEvent): void {
    const now = this.#clock.monotonic();
    // The oldest comes first.
    for (const [told, atMillis] of this.#told) {
      if (now - atMillis < EVENT_PAUSE_MILLIS) break;
      this.#told.delete(told);
    }
    if (this.#told.has(key) || this.#told.size >= EVENTS_MAX) return;
    this.#told.set(key, now);
    this.#tell(event);
  }
}

/** Counts by name, of so many names. */
export class Tally<Counts> {
  readonly #make: () => Counts;
  readonly #counts = new Map<string, Counts>();

  constructor(make: () => Counts) {
    this.#make = make;
  }

  of(name: string): Counts {
    return this.#counts.get(name) ?? this.#begin(this.#counts.size < NAMES_COUNTED_MAX ? name : OTHER_NAMES);
  }

  entries(): Iterable<readonly [name: string, counts: Counts]> {
    return this.#counts.entries();
  }

  #begin(name: string): Counts {
    const counts = this.#counts.get(name) ?? this.#make();
    this.#counts.set(name, counts);
    return counts;
  }
}

function keyOf(of: IdsObject): string {
  return "tag" in of ? `tag ${of.tag}` : `generator ${of.generator}`;
}
