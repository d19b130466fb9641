export { certificateName, type PeerAddress, type PeerEnv, type PeerHandlers } from "./context.ts";
export { PEER_ERRORS, type PeerError, type PeerErrorCode } from "./errors.ts";
export type { Direction, PeerCounts, PeerEvent } from "./events.ts";
export { PEER_LIMITS, type PeerLimits } from "./limits.ts";
export { type PeerStatus, PeerTransport, type PeerTransportOptions } from "./transport.ts";
export type { RefusalReason } from "./wire.ts";
