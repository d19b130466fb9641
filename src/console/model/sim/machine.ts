import { strictText, utf8 } from "../../../std/bytes.ts";

/** The state machine that the group replicates: how many values it was given, the last ones, and a digest of all of them in their order. */
export interface MachineState {
  readonly count: number;
  readonly digest: number;
  readonly last: readonly string[];
}

export const EMPTY_STATE: MachineState = { count: 0, digest: 0x811c9dc5, last: [] };

const LAST_MAX = 5;

export function applied(state: MachineState, value: string): MachineState {
  let { digest } = state;
  for (let at = 0; at < value.length; at++) digest = Math.imul(digest ^ value.charCodeAt(at), 0x01000193);
  return { count: state.count + 1, digest: digest >>> 0, last: [...state.last, value].slice(-LAST_MAX) };
}

/** A snapshot's data. */
export function encodeState(state: MachineState): Uint8Array {
  return utf8(JSON.stringify(state));
}

/** Founders begin with no data at all. */
export function decodeState(bytes: Uint8Array): MachineState {
  return bytes.length === 0 ? EMPTY_STATE : (JSON.parse(strictText(bytes) ?? "null") as MachineState);
}
