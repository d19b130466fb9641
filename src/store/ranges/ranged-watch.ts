// A watch over several ranges: the watches of their groups, merged into one stream. Each group's order is kept; a commit
// over several groups is told in as many events. Keys that go from one group to another are told of there from the
// revision at which that took them, behind all that the first one told of them.
//
// Its positions name every group with how far it has told of it, and the map by which the keys were the groups'.

import type { Clock } from "../../env/index.ts";
import { AssertionError, assert } from "../../std/assert.ts";
import { compareBytes } from "../../std/bytes.ts";
import { type AshlarError, hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";
import { decodeKeyBound, encodeRange } from "../key-codec.ts";
import { decodePosition } from "../replicated/position.ts";
import type { Position, ScanRange, Table, WatchEvent, WatchOptions } from "../store.ts";
import { ROOT_GROUP } from "../tables.ts";
import type { GroupRouter } from "./group-router.ts";
import type { PartsWatch } from "./group-store.ts";
import type { Patience } from "./patience.ts";
import type { MappedRange } from "./range-rows.ts";
import { decodeSeen, encodeSeen, POSITION_GROUPS_MAX, type SeenPosition } from "./seen-position.ts";
import type { WatchBefore, WatchPart } from "./watch-begin.ts";

export interface RangedWatchSettings {
  readonly table: Table;
  readonly range: ScanRange;
  readonly options: WatchOptions;
  readonly router: GroupRouter;
  readonly patience: Patience;
  readonly clock: Clock;
  /** How long keys may be nobody's until the watch is over. */
  readonly lostMillisMax: number;
  readonly ended: (watch: RangedWatch) => void;
}

/** The watch of one group, with what is asked for at one time and what came of it. */
interface Member {
  readonly group: number;
  readonly parts: readonly WatchPart[];
  readonly watch: PartsWatch;
  /** All up to this revision of the group has been told, of every part; undefined where that is not known. */
  cursor: number | undefined;
  /** It has caught up with the latest of its parts: its events' positions hold for all of them. */
  hasBegun: boolean;
  isAsked: boolean;
  came: Came | undefined;
}

type Came = { readonly event: WatchEvent } | { readonly error: unknown };
type Next = IteratorResult<WatchEvent, undefined>;

export class RangedWatch implements AsyncIterableIterator<WatchEvent> {
  readonly #settings: RangedWatchSettings;
  /** In the order in which they are listened to. */
  #members: Member[] = [];
  /** Groups that keys went away from, and how much of them was told: until the map of positions is that of all members. */
  readonly #past = new Map<number, number>();
  /** The revision of the map by which the members have their keys. */
  #map = 0;
  /** The newest map that they were compared with. */
  #settledAt = 0;
  #hasBegun = false;
  #isReading = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  /** Keys that are nobody's since this time. */
  #lostMillis: number | undefined;
  #disobey = (): void => {};

  constructor(settings: RangedWatchSettings) {
    this.#settings = settings;
    try {
      this.#obey(settings.options.signal);
      this.#begin();
    } catch (error) {
      this.fail(error);
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Next> {
    if (this.#isReading) throw storeFailure("REQUEST_INVALID", { what: "A watch has one reader at a time." });
    this.#isReading = true;
    try {
      for (;;) {
        if (this.#isOver) return this.#last();
        const event = this.#takeNext();
        if (event !== undefined) {
          this.#withdraw();
          return { done: false, value: event };
        }
        if (!this.#isOver && !this.#members.some((member) => this.#isDue(member))) await this.#somethingComes();
      }
    } finally {
      this.#isReading = false;
    }
  }

  async return(): Promise<Next> {
    this.#end();
    this.#failure = undefined;
    return END;
  }

  /** The read that waits, or else the next one, rejects; the one after that says that the watch is over. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#failure = { error };
    this.#end();
  }

  #obey(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    signal.throwIfAborted();
    const abort = (): void => this.fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#disobey = () => signal.removeEventListener("abort", abort);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#disobey();
    for (const { watch } of this.#members) void watch.return?.();
    this.#members = [];
    this.#settings.ended(this);
    this.#wake?.();
  }

  #last(): Next {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    return END;
  }

  #begin(): void {
    const { router, table, range, options } = this.#settings;
    const { map } = router;
    const since = options.since === undefined ? undefined : decodeSeen(options.since);
    const parts = new Map<number, WatchPart[]>();
    for (const one of map.within(encodeRange(table, range))) {
      const part = { range: this.#within(one, range), ...(since && placeOf(one, since)) };
      addTo(parts, one.group, part);
    }
    this.#map = map.isWhole ? 0 : map.revision;
    for (const [group, those] of parts) this.#open(group, those);
  }

  /** The part of a watched range that one range of the map has. */
  #within({ from, to }: Pick<MappedRange, "from" | "to">, range: ScanRange): ScanRange {
    const { table } = this.#settings;
    const bounds = encodeRange(table, range);
    const begin = { key: decodeKeyBound(from) };
    const low = encodeRange(table, { from: begin }).from;
    const narrowed = compareBytes(low, bounds.from) > 0 ? { ...range, from: begin } : range;
    if (to.length === 0) return narrowed;
    const end = { key: decodeKeyBound(to) };
    const high = encodeRange(table, { to: end }).to;
    return compareBytes(high, bounds.to) < 0 ? { ...narrowed, to: end } : narrowed;
  }

  #open(group: number, parts: readonly WatchPart[]): void {
    const { router, table } = this.#settings;
    if (this.#members.length >= POSITION_GROUPS_MAX) {
      throw storeFailure("TOO_LARGE", {
        what: "The watched range is kept by more groups than one watch may follow.",
        data: { groupsMax: POSITION_GROUPS_MAX },
      });
    }
    const watch = router.group(group).watchParts(table, parts, { progress: true });
    this.#members.push({ group, parts, watch, cursor: undefined, hasBegun: false, isAsked: false, came: undefined });
  }

  /** Asks all members that are not asked yet, and resolves when one of them has answered or the watch is over. */
  #somethingComes(): Promise<void> {
    const came = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    for (const member of this.#members) {
      if (member.isAsked || member.came !== undefined) continue;
      member.isAsked = true;
      this.#ask(member);
    }
    return came;
  }

  #ask(member: Member): void {
    const answered = (came: Came): void => {
      member.isAsked = false;
      member.came = came;
      this.#wake?.();
    };
    member.watch.next().then(
      (next) => answered(next.done === true ? { error: storeFailure("STOPPED") } : { event: next.value }),
      (error: unknown) => answered({ error }),
    );
  }

  /** Whoever is not read must not hold an event that makes it look as if it had been. */
  #withdraw(): void {
    for (const member of this.#members) {
      if (member.isAsked && member.watch.withdraw?.() === true) member.isAsked = false;
    }
  }

  /** Until it is known where all of them begin, nothing is told but that. */
  #isDue({ came, hasBegun }: Member): boolean {
    return came !== undefined && (this.#hasBegun || !hasBegun || "error" in came);
  }

  /** The next event that is due, of those that have come: the members take turns. */
  #takeNext(): WatchEvent | undefined {
    const member = this.#members.find((one) => this.#isDue(one));
    if (member === undefined) return undefined;
    const came = member.came!;
    member.came = undefined;
    this.#members = [...this.#members.filter((other) => other !== member), member];
    if ("event" in came) return this.#tell(member, came.event);
    this.#lose(member, came.error);
    return undefined;
  }

  #tell(member: Member, { changes, position }: WatchEvent): WatchEvent | undefined {
    const { progress = false } = this.#settings.options;
    member.cursor = decodePosition(position, member.group);
    if (changes.length > 0) return { changes, position: this.#position() };
    if (!member.hasBegun) {
      member.hasBegun = true;
      this.#settle();
    }
    if (!this.#members.every(({ hasBegun }) => hasBegun)) return undefined;
    this.#hasBegun = true;
    return progress ? { changes: [], position: this.#position() } : undefined;
  }

  #position(): Position {
    if (this.#settings.router.map.revision !== this.#settledAt) this.#settle();
    const [only] = this.#members;
    if (this.#map === 0 && this.#members.length === 1 && this.#past.size === 0) {
      return encodeSeen({ seen: new Map([[only!.group, only!.cursor!]]) });
    }
    const seen = new Map(this.#past);
    for (const { group, cursor, hasBegun } of [...this.#members].sort((one, other) => one.group - other.group)) {
      seen.delete(group);
      // What is not told yet of all its parts has no place to go on from.
      if (hasBegun && cursor !== undefined) seen.set(group, cursor);
    }
    // A place that nobody can go on from: they are told so.
    if (seen.size === 0) seen.set(ROOT_GROUP, 0);
    return encodeSeen({ seen, map: this.#map });
  }

  /** A member is over: for good, or because its keys are another group's. */
  #lose(member: Member, error: unknown): void {
    this.#members = this.#members.filter((other) => other !== member);
    const isElsewhere = hasCode(error, "RANGE_MISMATCH") || (hasCode(error, "STOPPED") && member.group !== ROOT_GROUP);
    if (!isElsewhere) {
      this.fail(error);
      return;
    }
    const { revision } = (error as AshlarError).data;
    if (typeof revision === "number") member.cursor = Math.max(revision, member.cursor ?? 0);
    this.#lostMillis ??= this.#settings.clock.monotonic();
    void this.#findAgain(member, error);
  }

  /** Goes on where the map says that the keys of a lost member are by now. */
  async #findAgain(lost: Member, cause: unknown): Promise<void> {
    const { router, patience, clock, lostMillisMax } = this.#settings;
    const { group, cursor } = lost;
    if (cursor !== undefined) this.#past.set(group, Math.max(cursor, this.#past.get(group) ?? 0));
    try {
      await router.correct().catch((error: unknown) => {
        if (error instanceof AssertionError) throw error;
      });
      await patience.pause(1);
      if (this.#isOver) return;
      if (clock.monotonic() - (this.#lostMillis ?? clock.monotonic()) > lostMillisMax) {
        throw storeFailure("HISTORY_LOST", { what: "The watched keys were nobody's for too long.", cause });
      }
      this.#reassign(lost);
    } catch (error) {
      this.fail(error);
    }
    this.#wake?.();
  }

  #reassign(lost: Member): void {
    const { router, table } = this.#settings;
    const parts = new Map<number, WatchPart[]>();
    for (const part of lost.parts) {
      for (const one of router.map.within(encodeRange(table, part.range))) {
        addTo(parts, one.group, { range: this.#within(one, part.range), ...placeBehind(lost, part, one.group) });
      }
    }
    for (const [group, those] of parts) {
      const member = this.#members.find((other) => other.group === group);
      if (member === undefined) {
        this.#open(group, those);
        continue;
      }
      // One stream for all that a group has: what it was going to tell of the others it tells again.
      void member.watch.return?.();
      this.#members = this.#members.filter((other) => other !== member);
      const before = member.parts.map((part) => ({ range: part.range, ...placeBehind(member, part, group) }));
      this.#open(group, [...before, ...those]);
    }
  }

  /** Once every member has its keys by the newest map, that is the map of positions from here on. */
  #settle(): void {
    const { router, table } = this.#settings;
    const { map } = router;
    this.#settledAt = map.revision;
    if (!this.#members.every(({ hasBegun }) => hasBegun)) return;
    this.#lostMillis = undefined;
    const conform = this.#members.every(({ group, parts }) => {
      return parts.every(({ range }) => map.within(encodeRange(table, range)).every((one) => one.group === group));
    });
    if (!conform) return;
    this.#past.clear();
    this.#map = map.isWhole ? 0 : map.revision;
  }
}

const END: Next = { done: true, value: undefined };

function addTo(parts: Map<number, WatchPart[]>, group: number, part: WatchPart): void {
  const those = parts.get(group);
  if (those === undefined) parts.set(group, [part]);
  else those.push(part);
}

/** Where a watch that has seen a position goes on in a range. Throws HISTORY_LOST where the position does not say. */
function placeOf(
  { group, revision }: MappedRange,
  { seen, known, map }: Required<SeenPosition>,
): Omit<WatchPart, "range"> {
  const all = new Map([...known, ...seen]);
  const since = all.get(group);
  // Behind a move of these keys, what was seen of the group need not have been of them.
  const isOfGroup = since !== undefined && (map === 0 || revision <= map);
  const befores = [...all].map(([before, reached]): WatchBefore => ({ group: before, revision: reached }));
  if (isOfGroup) return map === 0 ? { since, befores } : { since };
  if (map === 0 || revision <= map) throw storeFailure("HISTORY_LOST", { data: { group } });
  return { befores };
}

/** Where a part of a member goes on, in its own group or in another that its keys went to. */
function placeBehind({ group, cursor }: Member, part: WatchPart, next: number): Omit<WatchPart, "range"> {
  const since = cursor ?? part.since;
  const { befores: earlier = [] } = part;
  if (next === group) return { ...(since !== undefined && { since }), ...(earlier.length > 0 && { befores: earlier }) };
  const befores = earlier.filter((before) => before.group !== group);
  assert(since !== undefined || befores.length > 0, "a watch that is lost has begun somewhere");
  if (since !== undefined) befores.push({ group, revision: since });
  return { befores };
}
