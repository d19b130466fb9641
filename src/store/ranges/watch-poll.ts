// A watch on a node that has not got the group: it asks a member again and again for what came behind a position, and
// the member answers once there is something, or after a while with how far it has come. So nothing is kept between two
// questions, and any member can answer the next one.

import type { Timers } from "../../env/index.ts";
import type { ByteReader } from "../../std/reader.ts";
import type { ByteWriter } from "../../std/writer.ts";
import type { Position, Table, WatchEvent } from "../store.ts";
import type { PartsOptions } from "./group-store.ts";
import type { GroupWatch, WatchPart } from "./watch-begin.ts";
import { readEvent, readList, readRange, writeEvent, writeRange } from "./wire.ts";

export interface Poll {
  readonly table: Table;
  readonly parts: readonly WatchPart[];
  /** All up to here has been told; undefined in the first question. */
  readonly cursor: Position | undefined;
  readonly waitMillis: number;
}

export interface Polled {
  readonly events: readonly WatchEvent[];
  /** All up to here has been told. */
  readonly position: Position;
  /** The revision behind which all parts have begun. */
  readonly beginsAt: number;
}

/** What of a group answers such questions. */
export interface PolledStore {
  watchParts(table: Table, parts: readonly WatchPart[], options: PartsOptions): GroupWatch;
  /** Throws POSITION_INVALID. */
  revisionOf(position: Position): number;
  /** Whoever waits for an event of a watch has been told all up to here. */
  readonly watchPosition: Position;
}

/** An answer ends with the event that brings it to either. */
const EVENTS_MAX = 256;
const VALUE_BYTES_MAX = 1_048_576;

/** Rejects as a watch does. */
export async function nextEvents(
  store: PolledStore,
  { table, parts, cursor, waitMillis }: Poll,
  { timers, signal }: { readonly timers: Timers; readonly signal: AbortSignal },
): Promise<Polled> {
  const seen = cursor === undefined ? {} : { cursor: store.revisionOf(cursor) };
  const watch = store.watchParts(table, parts, { signal, ...seen });
  const { beginsAt } = watch;
  const isNow = cursor === undefined && parts.every(({ since, befores }) => since === undefined && !befores);
  const events: WatchEvent[] = [];
  // Of a watch that begins now, before anything else can happen.
  let position = cursor ?? store.watchPosition;
  try {
    let bytes = 0;
    while (events.length < EVENTS_MAX && bytes < VALUE_BYTES_MAX) {
      const isFirst = events.length === 0;
      const next = await settled(watch.next(), isFirst ? waitMillis : 0, timers, store).catch((error: unknown) => {
        // The next question is answered with it.
        if (isFirst) throw error;
        return { position };
      });
      // Who asks where it begins asks for the rest from there.
      if (isNow) break;
      if ("position" in next) {
        if (events.length === 0) position = next.position;
        break;
      }
      events.push(next.event);
      position = next.event.position;
      for (const { value } of next.event.changes) bytes += value?.length ?? 0;
    }
    return { events, position, beginsAt };
  } finally {
    await watch.return?.();
  }
}

export function writePoll(writer: ByteWriter, { table, parts, cursor, waitMillis }: Poll): ByteWriter {
  writer
    .u8(table)
    .string(cursor ?? "")
    .varint(waitMillis)
    .varint(parts.length);
  for (const { range, since, befores = [] } of parts) {
    writeRange(writer, range)
      .varint(since === undefined ? 0 : since + 1)
      .varint(befores.length);
    for (const { group, revision } of befores) writer.varint(group).varint(revision);
  }
  return writer;
}

export function readPoll(reader: ByteReader): Poll {
  const [table, cursor, waitMillis] = [reader.u8(), reader.string(), reader.varint()];
  const parts = readList(reader, (): WatchPart => {
    const [range, since] = [readRange(reader), reader.varint()];
    const befores = readList(reader, () => ({ group: reader.varint(), revision: reader.varint() }));
    return { range, ...(since > 0 && { since: since - 1 }), ...(befores.length > 0 && { befores }) };
  });
  return { table, parts, cursor: cursor === "" ? undefined : cursor, waitMillis };
}

export function writePolled(writer: ByteWriter, { events, position, beginsAt }: Polled): ByteWriter {
  writer.string(position).varint(beginsAt).varint(events.length);
  for (const event of events) writeEvent(writer, event);
  return writer;
}

export function readPolled(reader: ByteReader): Polled {
  const [position, beginsAt] = [reader.string(), reader.varint()];
  return { position, beginsAt, events: readList(reader, () => readEvent(reader)) };
}

type Settled = { readonly event: WatchEvent } | { readonly position: Position };

/** The next event, or how far the group had come without one. */
async function settled(
  next: Promise<IteratorResult<WatchEvent>>,
  waitMillis: number,
  timers: Timers,
  store: PolledStore,
): Promise<Settled> {
  let found: { readonly result: IteratorResult<WatchEvent> } | { readonly error: unknown } | undefined;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  next.then(
    (result) => {
      found = { result };
      resolve();
    },
    (error: unknown) => {
      found = { error };
      resolve();
    },
  );
  const timer = timers.after(waitMillis, resolve);
  await over;
  timer.cancel();
  const position = store.watchPosition;
  // An event up to that position has been handed over, and is known here by the end of the turn.
  if (found === undefined) await new Promise<void>((go) => timers.endOfTurn(go));
  if (found === undefined) return { position };
  if ("error" in found) throw found.error;
  const { result } = found as { readonly result: IteratorResult<WatchEvent> };
  return result.done === true ? { position } : { event: result.value };
}
