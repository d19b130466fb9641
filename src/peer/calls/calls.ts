import { hasCode } from "../../std/errors.ts";
import type { ByteSource } from "../../std/source.ts";

/** What a caller asks for. Heads are small and come whole; bodies are streams of any length, with back-pressure. */
export interface CallRequest {
  readonly head: Uint8Array;
  readonly body?: ByteSource | undefined;
}

export interface CallReply {
  readonly head: Uint8Array;
  readonly body?: ByteSource | undefined;
}

export interface CallOptions {
  /** No answer is wanted any more once it is aborted; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Rejects with CALL_TIMED_OUT where the reply's head has not come by then. The other side is told. */
  readonly timeoutMillis?: number | undefined;
}

/** A call as the node that answers it sees it. */
export interface IncomingCall {
  /** The node that calls. */
  readonly from: number;
  readonly head: Uint8Array;
  /** Empty where the caller sent none. What is not read of it when the answer is through is never sent. */
  readonly body: ByteSource;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What it rejects with reaches the caller as CALL_FAILED with the error's code; a bug as INTERNAL, without its text. */
export type CallHandler = (call: IncomingCall) => Promise<CallReply>;

export interface CallLimits {
  /** Calls at once on one connection; further ones are refused with CALLS_OVERLOADED. */
  readonly callsMax: number;
  /** Of each body, what may wait at the other side. */
  readonly windowBytes: number;
  readonly headBytesMax: number;
  /** How long a call waits for a connection. */
  readonly connectMillisMax: number;
}

export const CALL_LIMITS: CallLimits = {
  callsMax: 256,
  windowBytes: 256 * 1024,
  headBytesMax: 1024 * 1024,
  connectMillisMax: 2_000,
};

/** The code of the error that the other side's handler ended with, if that is why a call failed. */
export function remoteCode(error: unknown): string | undefined {
  if (!hasCode(error, "CALL_FAILED")) return undefined;
  const code = error.data["remoteCode"];
  return typeof code === "string" ? code : undefined;
}
