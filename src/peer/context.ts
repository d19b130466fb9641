import type { Env, MutualTls } from "../env/index.ts";
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

/** What all connections of one transport share. */
export interface PeerContext {
  readonly env: PeerEnv;
  readonly nodeId: number;
  readonly cluster: string;
  /** Drawn at this process's start. */
  readonly life: Uint8Array;
  readonly tls: MutualTls | undefined;
  readonly limits: PeerLimits;
  readonly counts: PeerCounts;
  readonly handlers: PeerHandlers;
  event(event: PeerEvent): void;
}

/** The DNS name that must stand in the certificate of a node, among its subject's alternative names. */
export function certificateName(node: number): string {
  return `node-${node}`;
}
