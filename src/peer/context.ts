import type { Env, MutualTls } from "../env/index.ts";
import type { CallHandler, CallLimits } from "./calls/calls.ts";
import type { PeerCounts, PeerEvent } from "./events.ts";
import type { PeerLimits } from "./limits.ts";

export type PeerEnv = Pick<Env, "network" | "timers" | "random">;

/** Where a node's peer address is. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** What hears the frames. */
export interface PeerHandlers {
  /** The bytes are the receiver's to keep. */
  receive(from: number, frame: Uint8Array): void;
  /** What was sent to the node lately may be lost: its connection broke or could not be made, or its queue is full. */
  unreachable(node: number): void;
}

/** Why a node that has introduced itself is sent away all the same; undefined where it is welcome. */
export type Admits = (
  node: number,
  start: number,
  life: Uint8Array,
) => { readonly reason: "removed" | "superseded"; readonly text: string } | undefined;

/** What all connections of one transport share. */
export interface PeerContext {
  readonly env: PeerEnv;
  readonly nodeId: number;
  readonly cluster: string;
  /** Which start of this node it is. */
  readonly start: number;
  /** Drawn at this process's start. */
  readonly life: Uint8Array;
  readonly tls: MutualTls | undefined;
  readonly limits: PeerLimits;
  readonly callLimits: CallLimits;
  /** By method. */
  readonly callHandlers: ReadonlyMap<number, CallHandler>;
  /** What those may call who are no nodes yet. */
  readonly admissionHandlers: ReadonlyMap<number, CallHandler>;
  readonly admits: Admits;
  readonly counts: PeerCounts;
  readonly handlers: PeerHandlers;
  event(event: PeerEvent): void;
}

/** Stands in the certificate of every node: who wants to be admitted does not know whom he will meet. */
const ANY_NODE_NAME = "any-node";

/** The DNS name that must stand in the certificate of a node, among its subject's alternative names; 0 is any node. */
export function certificateName(node: number): string {
  return node === 0 ? ANY_NODE_NAME : `node-${node}`;
}
