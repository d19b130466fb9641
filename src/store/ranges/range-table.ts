// The map of ranges and the groups' rows in memory, as the root group has them: a little old at worst, and only ever newer.
// Whoever finds out that it is too old asks for a reading that is not.

import type { Timers } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import { decodePosition } from "../replicated/position.ts";
import type { ReadLevel, Row, ScanRange, Store, Table } from "../store.ts";
import { ROOT_GROUP, TABLES } from "../tables.ts";
import { isMap, RangeMap } from "./range-map.ts";
import { decodeGroupRow, decodeRangeRow, type GroupRow, idOfKey } from "./range-rows.ts";

export interface RangeTableSettings {
  /** The root group, of which this node is a member. */
  readonly root: Pick<Store, "scan" | "watch">;
  readonly timers: Timers;
  readonly onError?: (error: unknown) => void;
}

const RETRY_MILLIS = 500;
/** Readings of the map that met a change half way, one after the other. */
const READINGS_MAX = 10;
const PAGE_ROWS = 10_000;

/** What may be in the way of following, and passes. */
const PASSING = ["NO_LEADER", "HISTORY_LOST", "SLOW_WATCHER", "OVERLOADED"] as const;

export class RangeTable implements AsyncDisposable {
  /** Resolves when the table has been read for the first time: until then all is one range. */
  readonly ready: Promise<void>;
  readonly #settings: RangeTableSettings;
  readonly #abort = new AbortController();
  readonly #observers = new Set<() => void>();
  readonly #loops: Promise<unknown>;
  #map = new RangeMap([], 0);
  #groups: ReadonlyMap<number, GroupRow> = new Map();
  #reading: Promise<void> | undefined;
  #nextReading: Promise<void> | undefined;

  constructor(settings: RangeTableSettings) {
    this.#settings = settings;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#loops = Promise.all([this.#follow(TABLES.range, resolve), this.#follow(TABLES.group, () => {})]);
  }

  get current(): RangeMap {
    return this.#map;
  }

  get groups(): ReadonlyMap<number, GroupRow> {
    return this.#groups;
  }

  /** Nodes that may have the group, the likeliest first. */
  membersOf(group: number): readonly number[] {
    const row = this.#groups.get(group);
    if (row === undefined) return [];
    return [...row.members, ...row.nodes.filter((node) => !row.members.includes(node))];
  }

  /** Calls back after each change of the map or of a group, until what it returns is called. */
  observe(changed: () => void): () => void {
    this.#observers.add(changed);
    return () => void this.#observers.delete(changed);
  }

  /** Resolves when a map that was read linearizably behind this call is current. Rejects as reads of the root group do. */
  correct(): Promise<void> {
    if (this.#reading === undefined) return this.#correctNow();
    // The one under way may have begun before whatever the caller knows of.
    this.#nextReading ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#nextReading = undefined;
        return this.#correctNow();
      });
    return this.#nextReading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#loops;
  }

  #correctNow(): Promise<void> {
    const reading = this.#read("linearizable").finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  async #follow(table: Table, begun: () => void): Promise<void> {
    const { root, onError = () => {} } = this.#settings;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        // From before the rows: what changes while they are read is told, too.
        const { position: since } = await root.scan(table, {}, { limit: 1, level: "stale", signal });
        await this.#read("stale");
        begun();
        for await (const _ of root.watch(table, {}, { since, signal })) await this.#read("stale");
      } catch (error) {
        if (signal.aborted || hasCode(error, "STOPPED")) break;
        if (!PASSING.some((code) => hasCode(error, code))) onError(error);
      }
      await this.#paused();
    }
    begun();
  }

  async #read(level: ReadLevel): Promise<void> {
    for (let reading = 1; ; reading++) {
      const ranges = await this.#rowsOf(TABLES.range, level);
      const groups = await this.#rowsOf(TABLES.group, level);
      const read = ranges.rows.map((row) => ({ ...decodeRangeRow(row.key, row.value), revision: row.revision }));
      if (isMap(read)) {
        this.#take(new RangeMap(read, ranges.revision), groups.rows);
        return;
      }
      // Of a map that changed between two pages. A reading that never comes out even is no reason to have none.
      if (reading === READINGS_MAX) return;
    }
  }

  /** Readings may overtake each other. */
  #take(map: RangeMap, groupRows: readonly Row[]): void {
    if (map.revision < this.#map.revision) return;
    this.#map = map;
    const groups = new Map<number, GroupRow>();
    for (const { key, value } of groupRows) {
      const id = idOfKey(key);
      if (id !== 0) groups.set(id, decodeGroupRow(key, value));
    }
    this.#groups = groups;
    for (const changed of this.#observers) changed();
  }

  async #rowsOf(table: Table, level: ReadLevel): Promise<{ readonly rows: readonly Row[]; readonly revision: number }> {
    const { signal } = this.#abort;
    const rows: Row[] = [];
    let revision: number | undefined;
    for (let range: ScanRange = {}; ; range = { after: rows.at(-1)! }) {
      const page = await this.#settings.root.scan(table, range, { limit: PAGE_ROWS, level, signal });
      revision ??= decodePosition(page.position, ROOT_GROUP);
      for (const row of page.rows) rows.push(row);
      if (!page.more) return { rows, revision };
    }
  }

  #paused(): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.#settings.timers.after(RETRY_MILLIS, end);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}
