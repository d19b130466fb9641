// Reads of the machine's rows. What a read returns is one state: a scan that goes over several turns ends in a snapshot
// of the state in which it began.

import type { IndexSnapshot, Timers } from "../../env/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { decodeAddress, encodeAddress, encodeRange, type IndexBounds, successor } from "../key-codec.ts";
import type { StoreMachine } from "../machine.ts";
import { checkBytesRead, checkRowsAsked } from "../read-rules.ts";
import { asRow, decodeRow } from "../row-codec.ts";
import { RowWalk } from "../row-walk.ts";
import { type Row, type RowAddress, type ScanOptions, type ScanRange, STORE_LIMITS, type Table } from "../store.ts";
import { firstWriterIn } from "../transactions/lock-reads.ts";
import type { LockedBy } from "../transactions/participant.ts";
import type { ReplicatedOptions } from "./options.ts";

export function readRow(machine: StoreMachine, address: RowAddress): Row | undefined {
  const stored = machine.row(encodeAddress(address));
  const { table, key, suffix = EMPTY } = address;
  return stored && asRow({ table, key, suffix }, stored);
}

export function readRows(machine: StoreMachine, addresses: readonly RowAddress[]): (Row | undefined)[] {
  checkRowsAsked(addresses.length);
  const rows: (Row | undefined)[] = [];
  let bytes = 0;
  for (const address of addresses) {
    const row = readRow(machine, address);
    bytes += row?.value.length ?? 0;
    checkBytesRead(bytes);
    rows.push(row);
  }
  return rows;
}

export interface ScanContext {
  readonly machine: StoreMachine;
  readonly timers: Timers;
  readonly options: Pick<ReplicatedOptions, "turnRowsMax" | "turnBytesMax">;
  /** Throws where the read must not go on: the node is stopping, or its caller has gone. */
  readonly mayGoOn: () => void;
  /** A row that a commit over several groups is going to write is not passed over. */
  readonly waitsForWriters: boolean;
}

/**
 * A page ends before the first row that a commit over several groups is going to write; where nothing stands before that,
 * the result says who has to be waited for.
 */
export async function scanRows(
  context: ScanContext,
  table: Table,
  range: ScanRange,
  { limit, reverse = false }: ScanOptions,
): Promise<ScannedRows | { readonly locked: LockedBy }> {
  const all = encodeRange(table, range);
  const locked = context.waitsForWriters ? firstWriterIn(context.machine, all, reverse) : undefined;
  const bounds =
    locked === undefined ? all : reverse ? { ...all, from: successor(locked.row) } : { ...all, to: locked.row };
  const page = await scanBounds(context, bounds, limit, reverse);
  if (locked === undefined || page.more) return page;
  return page.rows.length > 0 ? { ...page, more: true } : { locked };
}

interface ScannedRows {
  readonly rows: Row[];
  readonly more: boolean;
}

async function scanBounds(
  context: ScanContext,
  bounds: IndexBounds,
  limit: number,
  reverse: boolean,
): Promise<ScannedRows> {
  const { machine, options } = context;
  const walk = new RowWalk(machine, { bounds, reverse, rowsMax: limit + 1 });
  const rows: Row[] = [];
  let bytes = 0;
  let turnEndsAt = { rows: options.turnRowsMax, bytes: options.turnBytesMax };
  let snapshot: IndexSnapshot | undefined;
  try {
    for (;;) {
      const found = walk.next();
      if (found === undefined) return { rows, more: false };
      const rowBytes = found.key.length + found.value.length;
      if (rows.length === limit || (rows.length > 0 && bytes + rowBytes > STORE_LIMITS.scanBytesMax)) {
        return { rows, more: true };
      }
      rows.push(asRow(decodeAddress(found.key), decodeRow(found.key, found.value)));
      bytes += rowBytes;
      if (rows.length < turnEndsAt.rows && bytes < turnEndsAt.bytes) continue;
      turnEndsAt = { rows: rows.length + options.turnRowsMax, bytes: bytes + options.turnBytesMax };
      if (snapshot === undefined) walk.moveTo((snapshot = machine.snapshot()));
      await endOfTurn(context.timers);
      context.mayGoOn();
    }
  } finally {
    snapshot?.close();
  }
}

function endOfTurn(timers: Timers): Promise<void> {
  return new Promise((resolve) => timers.endOfTurn(resolve));
}
