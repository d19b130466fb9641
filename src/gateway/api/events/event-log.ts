// The operator's record: what happened to the node and what operators did. Events are rows of the Store, keyed by time; the newest
// `eventsMax` are kept. Recording returns at once and never fails its caller: an event that the Store does not take is only shown to
// those who watch.

import type { Clock } from "../../../env/index.ts";
import { fromHex, text, toHex, utf8 } from "../../../std/bytes.ts";
import { type Row, type RowKey, STORE_LIMITS, type Store, TABLES } from "../../../store/index.ts";
import { apiFailure } from "../errors.ts";

export type Severity = "info" | "warning" | "error";

export interface NewEvent {
  readonly severity: Severity;
  /** As in `volume-sealed`. */
  readonly kind: string;
  /** What it happened to, as in `volume 7`. */
  readonly object: string;
  /** One sentence. */
  readonly text: string;
  /** Who did it, where somebody did. */
  readonly actor?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface Event extends NewEvent {
  /** Sorts by time. */
  readonly id: string;
  readonly atMillis: number;
}

export interface EventPage {
  /** The newest first. */
  readonly items: readonly Event[];
  /** Pass it as `after` to go on; undefined at the end. */
  readonly next: string | undefined;
}

export interface EventLogOptions {
  readonly eventsMax: number;
  /** Events that wait to be written; further ones are not kept. */
  readonly waitingMax: number;
  /** Where several nodes write one log: the one of two events in a millisecond that comes first, if not by time. */
  readonly lane: number;
}

const DEFAULTS: EventLogOptions = { eventsMax: 10_000, waitingMax: 1000, lane: 0 };
const BATCH_MAX = 50;
const PAGE_ROWS = 500;
const VALUE_BYTES_MAX = 4096;
/** Milliseconds since 1970 and a count, both big-endian. */
const KEY_BYTES = 12;
/** Of the count: no two lanes make one key. */
const LANE_BITS = 12;
export const EVENT_LANES_MAX: number = 2 ** LANE_BITS;

export class EventLog implements AsyncDisposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #options: EventLogOptions;
  readonly #listeners: Set<(event: Event) => void> = new Set();
  #waiting: Event[] = [];
  #writing: Promise<void> | undefined;
  #kept: number;
  #lastMillis: number;
  #count: number;
  /** Events that the Store did not take. */
  lost = 0;

  static async open(store: Store, clock: Clock, options: Partial<EventLogOptions> = {}): Promise<EventLog> {
    let kept = 0;
    let last: Row | undefined;
    for (;;) {
      const range = last === undefined ? {} : { after: last };
      const page = await store.scan(TABLES.event, range, { limit: STORE_LIMITS.scanRowsMax });
      kept += page.rows.length;
      last = page.rows.at(-1) ?? last;
      if (!page.more || page.rows.length === 0) break;
    }
    return new EventLog(store, clock, { ...DEFAULTS, ...options }, kept, last?.key);
  }

  private constructor(
    store: Store,
    clock: Clock,
    options: EventLogOptions,
    kept: number,
    last: Uint8Array | undefined,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
    this.#kept = kept;
    // Goes on behind the newest event: another one may come in the same millisecond, or the clock may have gone back.
    const view = last && new DataView(last.buffer, last.byteOffset, last.byteLength);
    this.#lastMillis = view === undefined ? 0 : Number(view.getBigUint64(0));
    this.#count = view === undefined ? 0 : view.getUint32(8) % 2 ** (32 - LANE_BITS);
  }

  record(given: NewEvent): void {
    const atMillis = Math.max(0, Math.floor(this.#clock.now()));
    const event = { ...given, id: this.#nextId(atMillis), atMillis };
    for (const listener of this.#listeners) listener(event);
    if (this.#waiting.length >= this.#options.waitingMax) {
      this.lost++;
      return;
    }
    this.#waiting.push(event);
    this.#writing ??= this.#write();
  }

  /** Called with each event from now on, until the result is called. */
  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Those before `after` (an id), at least as severe as `severity`. Throws EVENT_UNKNOWN. */
  async page(request: {
    after?: string | undefined;
    limit: number;
    severity?: Severity | undefined;
  }): Promise<EventPage> {
    const wanted = SEVERITIES.indexOf(request.severity ?? "info");
    const items: Event[] = [];
    let before = request.after === undefined ? undefined : keyOf(request.after);
    for (;;) {
      const range = before === undefined ? {} : { to: { key: before } };
      const page = await this.#store.scan(TABLES.event, range, { limit: PAGE_ROWS, reverse: true });
      for (const row of page.rows) {
        const event = decode(row);
        if (event === undefined || SEVERITIES.indexOf(event.severity) < wanted) continue;
        if (items.length === request.limit) return { items, next: items.at(-1)!.id };
        items.push(event);
      }
      before = page.rows.at(-1)?.key;
      if (!page.more || before === undefined) return { items, next: undefined };
    }
  }

  /** Up to `limit` events behind the id, the oldest first. Throws EVENT_UNKNOWN. */
  async behind(id: string, limit: number): Promise<readonly Event[]> {
    await this.settled();
    const after: RowKey = { key: keyOf(id) };
    const page = await this.#store.scan(TABLES.event, { after }, { limit });
    return page.rows.flatMap((row) => decode(row) ?? []);
  }

  /** Everything recorded so far is written, or counted as lost. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    await this.settled();
  }

  /** Grows also where the clock goes back. */
  #nextId(atMillis: number): string {
    this.#count = atMillis > this.#lastMillis ? 0 : this.#count + 1;
    this.#lastMillis = Math.max(this.#lastMillis, atMillis);
    const key = new DataView(new ArrayBuffer(KEY_BYTES));
    key.setBigUint64(0, BigInt(this.#lastMillis));
    key.setUint32(8, this.#options.lane * 2 ** (32 - LANE_BITS) + (this.#count % 2 ** (32 - LANE_BITS)));
    return toHex(new Uint8Array(key.buffer));
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      const puts = batch.map((event) => ({ table: TABLES.event, key: keyOf(event.id), value: encode(event) }));
      try {
        await this.#store.commit({ puts });
        this.#kept += batch.length;
        if (this.#kept >= this.#options.eventsMax + BATCH_MAX) await this.#trim();
      } catch {
        this.lost += batch.length;
      }
    }
    this.#writing = undefined;
  }

  async #trim(): Promise<void> {
    while (this.#kept > this.#options.eventsMax) {
      const limit = Math.min(this.#kept - this.#options.eventsMax, STORE_LIMITS.writesMax);
      const { rows } = await this.#store.scan(TABLES.event, {}, { limit });
      if (rows.length === 0) {
        this.#kept = 0;
        return;
      }
      await this.#store.commit({ deletes: rows.map(({ table, key }) => ({ table, key })) });
      this.#kept -= rows.length;
    }
  }
}

const SEVERITIES: readonly Severity[] = ["info", "warning", "error"];

function keyOf(id: string): Uint8Array {
  const key = fromHex(id);
  if (key?.length !== KEY_BYTES) throw apiFailure("EVENT_UNKNOWN", { data: { id: id.slice(0, 100) } });
  return key;
}

/** Data that makes an event too long is left out of what is kept. */
function encode({ id: _, data, ...event }: Event): Uint8Array {
  const whole = utf8(JSON.stringify({ ...event, ...(data !== undefined && { data }) }));
  return whole.length <= VALUE_BYTES_MAX ? whole : utf8(JSON.stringify({ ...event, text: event.text.slice(0, 500) }));
}

/** Undefined for a row that a later version wrote in another form. */
function decode(row: Row): Event | undefined {
  try {
    const event = JSON.parse(text(row.value)) as Omit<Event, "id">;
    return typeof event.kind === "string" ? { ...event, id: toHex(row.key) } : undefined;
  } catch {
    return undefined;
  }
}
