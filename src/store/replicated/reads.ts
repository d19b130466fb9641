// Reads of the machine's rows. What a read returns is one state: a scan that goes over several turns ends in a snapshot
// of the state in which it began.

import type { IndexSnapshot, Timers } from "../../env/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { storeFailure } from "../errors.ts";
import { decodeAddress, encodeAddress, encodeRange } from "../key-codec.ts";
import type { StoreMachine } from "../machine.ts";
import { decodeRow, type StoredRow } from "../row-codec.ts";
import { RowWalk } from "../row-walk.ts";
import { type Row, type RowAddress, type ScanOptions, type ScanRange, STORE_LIMITS, type Table } from "../store.ts";
import type { ReplicatedOptions } from "./options.ts";

export function readRow(machine: StoreMachine, address: RowAddress): Row | undefined {
  const stored = machine.row(encodeAddress(address));
  return stored && asRow(address.table, address.key, address.suffix ?? EMPTY, stored);
}

export function readRows(machine: StoreMachine, addresses: readonly RowAddress[]): (Row | undefined)[] {
  const { getManyMax, getManyBytesMax } = STORE_LIMITS;
  if (addresses.length > getManyMax) {
    throw storeFailure("TOO_LARGE", {
      what: "More rows are asked for than one call may return.",
      data: { rows: addresses.length, rowsMax: getManyMax },
    });
  }
  const rows: (Row | undefined)[] = [];
  let bytes = 0;
  for (const address of addresses) {
    const row = readRow(machine, address);
    bytes += row?.value.length ?? 0;
    if (bytes > getManyBytesMax) {
      throw storeFailure("TOO_LARGE", {
        what: "The rows that are asked for hold more bytes than one call may return.",
        data: { bytesMax: getManyBytesMax },
      });
    }
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
}

/** Throws TOO_LARGE or REQUEST_INVALID. */
export function checkScanLimit({ limit }: ScanOptions): void {
  const { scanRowsMax } = STORE_LIMITS;
  if (!Number.isInteger(limit) || limit < 1) {
    throw storeFailure("REQUEST_INVALID", { what: "A scan's limit is a whole number from 1.", data: { limit } });
  }
  if (limit > scanRowsMax) {
    throw storeFailure("TOO_LARGE", {
      what: "The scan asks for more rows than one page may hold.",
      data: { limit, scanRowsMax },
    });
  }
}

export async function scanRows(
  context: ScanContext,
  table: Table,
  range: ScanRange,
  { limit, reverse = false }: ScanOptions,
): Promise<{ readonly rows: Row[]; readonly more: boolean }> {
  const { machine, options } = context;
  const walk = new RowWalk(machine, { bounds: encodeRange(table, range), reverse, rowsMax: limit + 1 });
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
      const { key, suffix } = decodeAddress(found.key);
      rows.push(asRow(table, key, suffix, decodeRow(found.key, found.value)));
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

function asRow(table: Table, key: Uint8Array, suffix: Uint8Array, { value, revision, lease }: StoredRow): Row {
  return lease === 0 ? { table, key, suffix, value, revision } : { table, key, suffix, value, revision, lease };
}

function endOfTurn(timers: Timers): Promise<void> {
  return new Promise((resolve) => timers.endOfTurn(resolve));
}
