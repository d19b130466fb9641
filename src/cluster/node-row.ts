import { concatBytes } from "../std/bytes.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { type RowAddress, TABLES } from "../store/index.ts";
import { clusterFailure } from "./errors.ts";

// What the cluster knows about each of its nodes, one row a node, for ever: a number is never given out twice, and the
// row of a node that was removed says so to whoever comes with its data directory.
//
//   version u8, state u8, start varint, life bytes, peer address, zone, replaces varint, joined u64, certificate's end u64,
//   endpoints: count varint, then name and url of each

export type NodeState = "joining" | "active" | "draining" | "removed";

export interface NodeRow {
  readonly id: number;
  /** Joining: admitted, and not started yet. */
  readonly state: NodeState;
  /** Counts the starts of the node: who comes with an older one has a data directory from before. */
  readonly start: number;
  /** Of the process that made this start: a copy of the directory that starts as well draws another one. */
  readonly life: Uint8Array;
  /** `host:port` where the other nodes reach it. */
  readonly peer: string;
  /** Failure domain, as the operator calls it; empty: none. */
  readonly zone: string;
  /** The node that goes once this one votes; 0: none. */
  readonly replaces: number;
  readonly joinedMillis: number;
  /** When the certificate ends that it was given last; 0: it has none. */
  readonly certificateEndMillis: number;
  /** What it serves, by the listener's name. */
  readonly endpoints: Readonly<Record<string, string>>;
}

export const NODE_ID_MAX: number = 2 ** 32 - 1;

const ROW_VERSION = 1;
/** Part of the format: their order. */
const STATES: readonly NodeState[] = ["joining", "active", "draining", "removed"];

export function nodeAddress(id: number): RowAddress {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, id);
  return { table: TABLES.node, key };
}

/** Whose value is the number of the next node. */
export const NODE_COUNTER: RowAddress = nodeAddress(0);

export function nodeOfKey(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0);
}

export function encodeNodeRow(row: Omit<NodeRow, "id">): Uint8Array {
  const endpoints = Object.entries(row.endpoints);
  const writer = new ByteWriter()
    .u8(ROW_VERSION)
    .u8(STATES.indexOf(row.state))
    .varint(row.start)
    .blob(row.life)
    .string(row.peer)
    .string(row.zone)
    .varint(row.replaces)
    .u64(row.joinedMillis)
    .u64(row.certificateEndMillis)
    .varint(endpoints.length);
  for (const [name, url] of endpoints) writer.string(name).string(url);
  return writer.finish();
}

/** Throws CLUSTER_FORMAT_NEWER. */
export function decodeNodeRow(id: number, bytes: Uint8Array): NodeRow {
  const reader = readerOf(bytes);
  const state = STATES[reader.u8()]!;
  const start = reader.varint();
  const life = concatBytes([reader.blob()]);
  const [peer, zone] = [reader.string(), reader.string()];
  const [replaces, joinedMillis, certificateEndMillis] = [reader.varint(), reader.u64(), reader.u64()];
  const endpoints = Object.fromEntries(
    Array.from({ length: reader.varint() }, () => [reader.string(), reader.string()] as const),
  );
  return { id, state, start, life, peer, zone, replaces, joinedMillis, certificateEndMillis, endpoints };
}

export function encodeCounter(next: number): Uint8Array {
  return new ByteWriter(8).u8(ROW_VERSION).varint(next).finish();
}

export function decodeCounter(bytes: Uint8Array): number {
  return readerOf(bytes).varint();
}

function readerOf(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version > ROW_VERSION) throw clusterFailure("CLUSTER_FORMAT_NEWER", { data: { version } });
  return reader;
}
