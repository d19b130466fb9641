// Brings the history of the database to the watchers of this process: after each commit here, when another process
// notifies, and now and then in case a notice was lost. Whoever commits holds the lock of the state while it writes its
// history, so a reader that has seen a revision has seen all lower ones.
//
// It also trims the history, in the database, to what the Store keeps.

import type { PostgresClient, PostgresListener } from "../../drivers/postgres/index.ts";
import type { Timer, Timers } from "../../env/index.ts";
import type { FollowedHistory } from "../engine/followed-history.ts";
import { STORE_LIMITS } from "../store.ts";
import { decodeChanges } from "./history-codec.ts";
import { revisionIn } from "./reader.ts";
import { channelOf } from "./schema.ts";

const POLL_MILLIS = 1000;
const PAGE_EVENTS = 1000;
const PAGE_BYTES = 4 * 1024 * 1024;
/** History is trimmed when so many events more than needed may be there. */
const TRIM_EVENTS = 1000;
const TRIM_BYTES = 8 * 1024 * 1024;
const KEEP_BYTES = 64 * 1024 * 1024;

/** The state's row first, with what was trimmed; then events, in order. */
const READ = `select null::bytea as key, value, 0::float8 as revision, trimmed from state
  union all select * from (
    select ''::bytea, changes, revision, 0::float8 from (
      select revision, changes, bytes, sum(bytes) over (order by revision) as ends
      from (select revision, changes, octet_length(changes)::float8 as bytes from history
        where revision > $1::float8 order by revision limit $2::int) as found
    ) as counted where ends - bytes <= $3::float8 order by revision
  ) as page`;

/** Of events beyond those that are kept, and of those whose bytes are too many together. */
const TRIM = `with kept as (
    select revision, row_number() over newest as events, sum(octet_length(changes)::float8) over newest as bytes
    from history window newest as (order by revision desc)),
  cut as (select coalesce(max(revision), 0) as revision from kept where events > $1::int or bytes > $2::float8),
  gone as (delete from history using cut where history.revision <= cut.revision)
  update state set trimmed = greatest(trimmed, cut.revision) from cut`;

export interface FollowerSettings {
  readonly client: PostgresClient;
  readonly schema: string;
  readonly history: FollowedHistory;
  readonly timers: Timers;
}

export class HistoryFollower {
  readonly #settings: FollowerSettings;
  readonly #listener: PostgresListener;
  #reading: Promise<void> | undefined;
  #again = false;
  #timer: Timer | undefined;
  #eventsNew = TRIM_EVENTS;
  #bytesNew = 0;
  #closed = false;

  constructor(settings: FollowerSettings) {
    this.#settings = settings;
    this.#listener = settings.client.listen(channelOf(settings.schema), () => this.wake());
    this.#pollLater();
  }

  /** There may be something new. */
  wake(): void {
    this.#again = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listener.close();
    await this.#reading;
  }

  #pollLater(): void {
    if (this.#closed) return;
    this.#timer = this.#settings.timers.after(POLL_MILLIS, () => {
      this.wake();
      this.#pollLater();
    });
  }

  /** A failure is mended by the next poll. */
  async #read(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        while (!this.#closed && (await this.#readPage())) {}
        if (this.#eventsNew >= TRIM_EVENTS || this.#bytesNew >= TRIM_BYTES) await this.#trim();
      }
    } catch {}
  }

  /** Whether there is more behind it. */
  async #readPage(): Promise<boolean> {
    const { client, history } = this.#settings;
    const values = [history.revision, PAGE_EVENTS, PAGE_BYTES];
    const found = await client.read({ name: "history", text: READ, values });
    const state = found.find(([key]) => key === null)!;
    const trimmed = state[3] as number;
    if (trimmed > history.revision) history.skipTo(trimmed);
    const events = found.filter(([key]) => key !== null);
    for (const event of events) {
      const [, changes, revision] = event as readonly [unknown, Uint8Array, number, unknown];
      this.#eventsNew++;
      this.#bytesNew += changes.length;
      // Those who watch may keep what they get.
      if (revision > history.revision) history.publish({ revision, changes: decodeChanges(new Uint8Array(changes)) });
    }
    if (events.length === 0) history.advance(revisionIn(found));
    return events.length > 0;
  }

  async #trim(): Promise<void> {
    const values = [STORE_LIMITS.watchHistoryEventsMax, KEEP_BYTES];
    await this.#settings.client.transaction("select from state for update", (run) => run({ text: TRIM, values }));
    this.#eventsNew = 0;
    this.#bytesNew = 0;
  }
}
