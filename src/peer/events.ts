import type { RefusalReason } from "./wire.ts";

/** What a node's log tells of its connections. `out` are those that it makes, to send on; `in` those that it accepts. */
export type PeerEvent =
  | { readonly kind: "connected"; readonly direction: Direction; readonly node: number; readonly remoteAddress: string }
  /** A connection over which frames went. */
  | { readonly kind: "lost"; readonly direction: Direction; readonly node: number; readonly error: Error | undefined }
  /** No connection could be made; it is tried again. */
  | { readonly kind: "failed"; readonly node: number; readonly error: Error }
  /** The two nodes do not belong together. With `out` the other one refused, with `in` we did. */
  | {
      readonly kind: "refused";
      readonly direction: Direction;
      /** Unknown where the other side's version is not ours. */
      readonly node: number | undefined;
      readonly remoteAddress: string;
      readonly reason: RefusalReason;
      readonly text: string;
    }
  /** A handler of calls rejected with what is no operating error. */
  | { readonly kind: "call-failed"; readonly node: number; readonly method: number; readonly error: unknown }
  /** Somebody came who did not get as far as a handshake. */
  | { readonly kind: "stranger"; readonly remoteAddress: string; readonly error: Error };

export type Direction = "out" | "in";

/** Totals since the start, for metrics. */
export interface PeerCounts {
  framesSent: number;
  bytesSent: number;
  framesReceived: number;
  bytesReceived: number;
  /** Frames that `send` did not take. */
  framesDropped: number;
  bytesDropped: number;
  /** Connections that were made, to nodes and by nodes. */
  connects: number;
  accepts: number;
  /** Attempts of ours that came to nothing. */
  failures: number;
  /** Handshakes that were refused, by either side. */
  refusals: number;
  /** Connections that broke or were broken off after their handshake. */
  losses: number;
  /** Connections that were broken off for what came on them. */
  malformed: number;
}

export function zeroCounts(): PeerCounts {
  return {
    framesSent: 0,
    bytesSent: 0,
    framesReceived: 0,
    bytesReceived: 0,
    framesDropped: 0,
    bytesDropped: 0,
    connects: 0,
    accepts: 0,
    failures: 0,
    refusals: 0,
    losses: 0,
    malformed: 0,
  };
}
