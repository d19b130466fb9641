import { EMPTY } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";

/**
 * What a heartbeat carries and its answer returns: the number of the newest read that waits and, with lease reads, the leader's tick when
 * it was sent. Empty where there is nothing to say; little-endian.
 *
 *     | read u64 | tick u64, only with lease reads |
 */
export interface HeartbeatContext {
  readonly read: number;
  /** -1 where the context has none. */
  readonly tick: number;
}

export function encodeHeartbeatContext(read: number, tick: number): Uint8Array {
  if (tick >= 0) return new ByteWriter(16).u64(read).u64(tick).finish();
  return read === 0 ? EMPTY : new ByteWriter(8).u64(read).finish();
}

/** Undefined where a peer sent something else. */
export function decodeHeartbeatContext(bytes: Uint8Array): HeartbeatContext | undefined {
  if (bytes.length !== 8 && bytes.length !== 16) return undefined;
  const reader = new ByteReader(bytes);
  return { read: reader.u64Unsafe(), tick: bytes.length === 16 ? reader.u64Unsafe() : -1 };
}
