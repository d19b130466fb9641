import { hasCode } from "../std/errors.ts";
import { CallClient } from "./calls/call-client.ts";
import { CALL_LIMITS, type CallReply } from "./calls/calls.ts";
import type { PeerAddress, PeerContext, PeerEnv } from "./context.ts";
import { peerFailure } from "./errors.ts";
import { zeroCounts } from "./events.ts";
import { PEER_LIMITS } from "./limits.ts";
import { Outgoing } from "./outgoing.ts";
import { LIFE_BYTES } from "./wire.ts";

export interface AdmissionRequest {
  readonly env: PeerEnv;
  readonly address: PeerAddress;
  readonly cluster: string;
  /** The authority that the node's certificate must come from; without it nothing is known of whom one speaks to. */
  readonly caFile?: string | undefined;
  readonly method: number;
  readonly head: Uint8Array;
  readonly timeoutMillis: number;
}

/**
 * Asks a node of a cluster as somebody who is none yet. Rejects with HANDSHAKE_REFUSED, CALL_FAILED, CALL_BROKEN,
 * CALL_TIMED_OUT, or what connecting says.
 */
export async function askForAdmission(request: AdmissionRequest): Promise<CallReply> {
  const { env, address, cluster, caFile, method, head, timeoutMillis } = request;
  let failure: Error | undefined;
  const context: PeerContext = {
    ...{ env, nodeId: 0, cluster, start: 0, limits: PEER_LIMITS, callLimits: CALL_LIMITS, counts: zeroCounts() },
    tls: caFile === undefined ? undefined : { caFile, certFile: "", keyFile: "" },
    life: env.random.bytes(LIFE_BYTES),
    callHandlers: new Map(),
    admissionHandlers: new Map(),
    admits: () => undefined,
    handlers: { receive() {}, unreachable() {} },
    event: () => {},
  };
  const outgoing: Outgoing = new Outgoing(context, 0, address, {
    purpose: "admission",
    isWanted: () => client.isWaiting && failure === undefined,
    opened: () => client.opened(),
    take: (kind, payload) => client.take(kind, payload),
    lost: (error) => {
      failure ??= error ?? peerFailure("PEER_UNREACHABLE", { data: { ...address } });
      client.lost(error);
      client.close();
    },
  });
  const limits = { ...CALL_LIMITS, connectMillisMax: PEER_LIMITS.connectMillisMax + PEER_LIMITS.handshakeMillisMax };
  const client = new CallClient(0, env.timers, limits, outgoing);
  try {
    return await client.call(method, { head }, { timeoutMillis });
  } catch (error) {
    throw hasCode(error, "PEER_UNREACHABLE") && failure !== undefined ? failure : error;
  } finally {
    outgoing.close();
    client.close();
  }
}
