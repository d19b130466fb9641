export { type AdmissionRequest, askForAdmission } from "./admission.ts";
export {
  CALL_LIMITS,
  type CallHandler,
  type CallLimits,
  type CallOptions,
  type CallReply,
  type CallRequest,
  type IncomingCall,
  remoteCode,
} from "./calls/calls.ts";
export { type Admits, certificateName, type PeerAddress, type PeerEnv, type PeerHandlers } from "./context.ts";
export { PEER_ERRORS, type PeerError, type PeerErrorCode, peerFailure } from "./errors.ts";
export type { Direction, PeerCounts, PeerEvent } from "./events.ts";
export { PEER_LIMITS, type PeerLimits } from "./limits.ts";
export { type PeerStatus, PeerTransport, type PeerTransportOptions } from "./transport.ts";
export type { RefusalReason } from "./wire.ts";
