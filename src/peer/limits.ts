export interface PeerLimits {
  /** What one frame may hold. */
  readonly frameBytesMax: number;
  /** What may wait for one node, with 12 bytes more a frame; what is beyond is dropped. */
  readonly queueBytesMax: number;
  /** Accepted connections, those included that have not introduced themselves. */
  readonly connectionsMax: number;
  /** For connecting, with TLS. */
  readonly connectMillisMax: number;
  /** For the introduction on a connection. */
  readonly handshakeMillisMax: number;
  /** How often a node asks the other one whether it is there. */
  readonly keepAliveMillis: number;
  /** A connection on which nothing moves for so long is broken off. */
  readonly silenceMillisMax: number;
  /** The wait before a connection is tried again: doubled each time, up to the longest, and drawn from its upper half. */
  readonly reconnectMillisMin: number;
  readonly reconnectMillisMax: number;
}

export const PEER_LIMITS: PeerLimits = {
  frameBytesMax: 16 * 1024 * 1024,
  queueBytesMax: 64 * 1024 * 1024,
  connectionsMax: 1024,
  connectMillisMax: 3_000,
  handshakeMillisMax: 3_000,
  keepAliveMillis: 500,
  silenceMillisMax: 3_000,
  reconnectMillisMin: 20,
  reconnectMillisMax: 1_000,
};
