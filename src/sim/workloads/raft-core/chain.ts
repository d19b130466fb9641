import type { Entry } from "../../../core/raft/index.ts";
import { ByteReader } from "../../../std/reader.ts";
import { ByteWriter } from "../../../std/writer.ts";

/** The state of a state machine that only remembers: a running checksum over all that was applied. */
export interface Chain {
  readonly left: number;
  readonly right: number;
}

export const EMPTY_CHAIN: Chain = { left: 0x811c9dc5, right: 0x2d358dcc };

export function chained({ left, right }: Chain, { term, type, data }: Entry): Chain {
  let [a, b] = [Math.imul(left ^ term, 0x01000193), Math.imul(right ^ type, 0x85ebca6b)];
  for (let at = 0; at < data.length; at++) {
    a = Math.imul(a ^ data[at]!, 0x01000193);
    b = Math.imul(b ^ data[at]!, 0x85ebca6b);
    b ^= b >>> 13;
  }
  return { left: a >>> 0, right: b >>> 0 };
}

export function equalChains(one: Chain, other: Chain): boolean {
  return one.left === other.left && one.right === other.right;
}

export function encodeChain({ left, right }: Chain): Uint8Array {
  return new ByteWriter(8).u32(left).u32(right).finish();
}

/** A witness is sent snapshots without data: its state means nothing. */
export function decodeChain(bytes: Uint8Array): Chain {
  if (bytes.length === 0) return EMPTY_CHAIN;
  const reader = new ByteReader(bytes);
  return { left: reader.u32(), right: reader.u32() };
}
