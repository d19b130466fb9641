import { equalBytes, toHex, utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { ByteReader, MalformedBytes } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";

// The peer protocol, version 2. Integers are little-endian. A connection carries frames one behind the other:
//
//      0                4        5              8                12
//      +----------------+--------+--------------+----------------+-------------+
//      | payload length |  kind  | zero, zero,  |    checksum    | payload ... |
//      |      u32       |   u8   | zero         |      u32       |             |
//      +----------------+--------+--------------+----------------+-------------+
//
// The checksum is the CRC-32C of the first 8 bytes and the payload.
//
//      who connects                                   who accepts
//      ------------                                   -----------
//      hello    magic, version, life, from, to,
//               cluster, purpose, start        ---->
//                                              <----  welcome  version, life, longest frame     or
//                                                     refusal  version, reason, text, and the end
//      ping     (empty)                        ---->
//                                              <----  pong     (empty)
//   purpose "frames":
//      message  bytes                          ---->
//   purposes "calls" and "admission": see calls/wire.ts
//
// Messages go one way: two nodes have two connections, each made by who sends on it. Then each node alone decides when its own
// is made again, no two attempts meet, and a connection that breaks says of exactly one direction that frames may be lost.
// Calls have connections of their own, so that no heartbeat waits behind the bytes of a body.
//
// `life` is drawn at random when a process starts: from a new one the other side learns that what it has is from before.
// `start` counts the starts of a node: who comes with an older one than is known has a data directory from before.
// With "admission" somebody comes who is no node yet, and asks to become one: `from` and `to` are 0.
// What this page draws in front of a hello's `life` and a refusal's `reason`, and the frames, stays as it is in all versions, so that
// nodes of different versions can tell each other so.

export const PROTOCOL_VERSION = 2;
export const FRAME_HEADER_BYTES = 12;
/** What a frame of the handshake may hold. */
export const HANDSHAKE_BYTES_MAX = 4096;
export const LIFE_BYTES = 8;

export const FRAME_KINDS = {
  hello: 1,
  welcome: 2,
  refusal: 3,
  message: 4,
  ping: 5,
  pong: 6,
  request: 7,
  reply: 8,
  failure: 9,
  data: 10,
  end: 11,
  credit: 12,
  stop: 13,
  cancel: 14,
} as const;

/** What a connection is for. */
export const PURPOSES = { frames: 1, calls: 2, admission: 3 } as const;
export type Purpose = keyof typeof PURPOSES;

export const REFUSAL_REASONS = { version: 1, cluster: 2, node: 3, certificate: 4, removed: 5, superseded: 6 } as const;
export type RefusalReason = keyof typeof REFUSAL_REASONS;

const MAGIC = utf8("ASHLAR-P");
const EMPTY_PAYLOAD = new Uint8Array(0);

export interface Hello {
  readonly life: Uint8Array;
  readonly from: number;
  /** Whom the connection is meant for. */
  readonly to: number;
  readonly cluster: string;
  readonly purpose: Purpose;
  readonly start: number;
}

export interface Welcome {
  readonly life: string;
  /** What the accepting node takes. */
  readonly frameBytesMax: number;
}

export interface Refusal {
  /** Of the node that refuses. */
  readonly version: number;
  readonly reason: RefusalReason;
  readonly text: string;
}

/** The bytes in front of the payload. */
export function frameHeader(kind: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const { length } = payload;
  header[0] = length;
  header[1] = length >>> 8;
  header[2] = length >>> 16;
  header[3] = length >>> 24;
  header[4] = kind;
  const checksum = frameChecksum(header, payload);
  header[8] = checksum;
  header[9] = checksum >>> 8;
  header[10] = checksum >>> 16;
  header[11] = checksum >>> 24;
  return header;
}

/** Of a frame whose header begins at `at`. */
export function frameChecksum(header: Uint8Array, payload: Uint8Array, at = 0): number {
  return crc32c(payload, crc32c(header.subarray(at, at + 8)));
}

export function pingFrame(): Uint8Array {
  return frameHeader(FRAME_KINDS.ping, EMPTY_PAYLOAD);
}

export function pongFrame(): Uint8Array {
  return frameHeader(FRAME_KINDS.pong, EMPTY_PAYLOAD);
}

export function helloFrame({ life, from, to, cluster, purpose, start }: Hello): Uint8Array {
  const payload = new ByteWriter().raw(MAGIC).u32(PROTOCOL_VERSION).raw(life).u64(from).u64(to).string(cluster);
  return wholeFrame(FRAME_KINDS.hello, payload.u8(PURPOSES[purpose]).u64(start));
}

export function welcomeFrame(life: Uint8Array, frameBytesMax: number): Uint8Array {
  const payload = new ByteWriter().u32(PROTOCOL_VERSION).raw(life).u32(frameBytesMax);
  return wholeFrame(FRAME_KINDS.welcome, payload);
}

export function refusalFrame(reason: RefusalReason, text: string): Uint8Array {
  const payload = new ByteWriter().u32(PROTOCOL_VERSION).u8(REFUSAL_REASONS[reason]).string(text);
  return wholeFrame(FRAME_KINDS.refusal, payload);
}

/** Only the version, where that is not ours; undefined for bytes that are no hello of any version. */
export function decodeHello(payload: Uint8Array): Hello | { readonly version: number } | undefined {
  return decode(payload, (reader) => {
    if (!equalBytes(reader.raw(MAGIC.length), MAGIC)) return undefined;
    const version = reader.u32();
    if (version !== PROTOCOL_VERSION) return { version };
    const life = reader.raw(LIFE_BYTES).slice();
    const [from, to, cluster] = [reader.u64(), reader.u64(), reader.string()];
    const [code, start] = [reader.u8(), reader.u64()];
    const purpose = (Object.keys(PURPOSES) as Purpose[]).find((name) => PURPOSES[name] === code);
    if (purpose === undefined || reader.remaining > 0) return undefined;
    return { life, from, to, cluster, purpose, start };
  });
}

export function decodeWelcome(payload: Uint8Array): Welcome | undefined {
  return decode(payload, (reader) => {
    if (reader.u32() !== PROTOCOL_VERSION) return undefined;
    const welcome = { life: toHex(reader.raw(LIFE_BYTES)), frameBytesMax: reader.u32() };
    return reader.remaining === 0 ? welcome : undefined;
  });
}

export function decodeRefusal(payload: Uint8Array): Refusal | undefined {
  return decode(payload, (reader) => {
    const version = reader.u32();
    const code = reader.u8();
    const reasons = Object.keys(REFUSAL_REASONS) as RefusalReason[];
    // A newer node's own reasons say nothing to us but that the version is another.
    const reason = reasons.find((name) => REFUSAL_REASONS[name] === code) ?? "version";
    return { version, reason, text: reader.string() };
  });
}

export function wholeFrame(kind: number, writer: ByteWriter): Uint8Array {
  const payload = writer.end();
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame.set(frameHeader(kind, payload));
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export function decode<T>(payload: Uint8Array, read: (reader: ByteReader) => T): T | undefined {
  try {
    return read(new ByteReader(payload));
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}
