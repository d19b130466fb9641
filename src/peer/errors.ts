import { type AshlarError, failures } from "../std/errors.ts";

export const PEER_ERRORS = {
  FRAME_MALFORMED: {
    what: "What came on the connection is not a frame of this protocol.",
    advice:
      "Check that only nodes of this cluster reach the peer address, and that nothing between them changes bytes.",
  },
  FRAME_TOO_LARGE: {
    what: "The other side announced a frame that is larger than allowed.",
    advice: "Give all nodes of the cluster the same limits.",
  },
  HANDSHAKE_REFUSED: {
    what: "The other node refused the connection.",
    advice: "Its reason tells what differs: the version, the cluster, the node at this address or the certificate.",
  },
  HANDSHAKE_TIMED_OUT: {
    what: "The other side did not introduce itself in time.",
    advice: "Check that the address is a node's peer address, and that the node is not overloaded.",
  },
  PEER_SILENT: {
    what: "The other node has sent nothing for too long.",
    advice: "Check that it runs and is not overloaded, and the network between the two.",
  },
  PEER_REPLACED: {
    what: "The other node has made a new connection, or was started again.",
    advice: "Nothing to do; if it goes on, two processes run as the same node.",
  },
  PEER_UNREACHABLE: {
    what: "There is no connection to the other node: nothing was asked.",
    advice: "Check that it runs, and the network between the two.",
  },
  CALL_BROKEN: {
    what: "The connection broke before the answer came: what was asked may have been done.",
    advice: "Ask again if that does no harm, or find out what happened.",
  },
  CALL_TIMED_OUT: {
    what: "The answer did not come in time: what was asked may have been done.",
    advice: "Ask again if that does no harm, or find out what happened.",
  },
  CALL_FAILED: {
    what: "The other node did not do what it was asked.",
    advice: "Its reason tells why.",
  },
  CALLS_OVERLOADED: {
    what: "Too many calls are open between the two nodes: nothing was asked.",
    advice: "Try again later.",
  },
  METHOD_UNKNOWN: {
    what: "The other node does not know this call.",
    advice: "Bring all nodes to the same version.",
  },
} as const;

export type PeerErrorCode = keyof typeof PEER_ERRORS;
export type PeerError = AshlarError<PeerErrorCode>;

export const peerFailure: ReturnType<typeof failures<typeof PEER_ERRORS>> = failures(PEER_ERRORS);
