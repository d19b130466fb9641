// The machine's one row of state. It is written in the same batch as the rows that it speaks of, so that after a crash
// they agree.

import type { Index } from "../../env/index.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { storeFailure } from "../errors.ts";
import { decodeRow, encodeRow } from "../row-codec.ts";
import { STATE_KEY } from "./keys.ts";

export interface MachineState {
  readonly group: number;
  readonly appliedIndex: number;
  readonly term: number;
  /** Of the last successful commit. */
  readonly revision: number;
  /** The last lease id given out; ids are never reused. */
  readonly lastLease: number;
  /** Of all commands ever applied, with their share of framing: tells how much log stands behind a checkpoint. */
  readonly commandBytes: number;
}

const FORMAT = 1;

/**
 * What has no state row yet: either the Index is empty, or it broke off while a checkpoint was being restored into it.
 */
export function readState(index: Index): MachineState | undefined {
  const stored = index.get(STATE_KEY);
  return stored === undefined ? undefined : decodeState(stored);
}

export function encodeState(state: MachineState): Uint8Array {
  const { group, appliedIndex, term, revision, lastLease, commandBytes } = state;
  const value = new ByteWriter(64)
    .u8(FORMAT)
    .varint(group)
    .varint(appliedIndex)
    .varint(term)
    .varint(revision)
    .varint(lastLease)
    .varint(commandBytes)
    .finish();
  return encodeRow(STATE_KEY, { revision, lease: 0, value });
}

/** Throws ROW_DAMAGED or FORMAT_NEWER. */
export function decodeState(stored: Uint8Array): MachineState {
  const reader = new ByteReader(decodeRow(STATE_KEY, stored).value);
  const format = reader.u8();
  if (format > FORMAT) {
    throw storeFailure("FORMAT_NEWER", { what: "The Store's state has a newer format.", data: { format } });
  }
  return {
    group: reader.varint(),
    appliedIndex: reader.varint(),
    term: reader.varint(),
    revision: reader.varint(),
    lastLease: reader.varint(),
    commandBytes: reader.varint(),
  };
}
