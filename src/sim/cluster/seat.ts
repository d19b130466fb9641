import type { SimMachine } from "../../env/sim/index.ts";
import type { RunningNode } from "../../server/index.ts";
import type { NodeContext, SimNode } from "../kernel/index.ts";
import { PEER_PORT } from "./server-options.ts";

/** Whether a directory's next start must come up, must be refused, or is none of the cluster's any more. */
export type SeatState =
  /** Its directory is its own, or empty. */
  | "sound"
  /** Its directory is another's, or was put back from an earlier time. */
  | "impostor"
  /** Its node was removed, and its directory is still there. */
  | "removed";

/** A place for a server: its machine, whose node its data directory is, and the process that runs on it. */
export class Seat {
  readonly node: SimNode;
  /** The number of the node whose directory lies here; 0: it is no node's yet. */
  member = 0;
  /** The node whose place it takes when it joins: the one that it was before it lost its disk. */
  replaces = 0;
  /** Somebody has asked for the removal of its node, and does not know yet what came of it. */
  mayBeRemoved = false;
  /** When its node's removal was acknowledged. */
  removedMillis = 0;
  /** When the process that runs began. */
  beganMillis = 0;
  /** Starts on its present directory that were told that they may not take part. */
  refusals = 0;
  context: NodeContext | undefined;
  #state: SeatState = "sound";
  #server: RunningNode | undefined;

  constructor(node: SimNode) {
    this.node = node;
  }

  get id(): number {
    return this.node.id;
  }

  get name(): string {
    return this.node.name;
  }

  get machine(): SimMachine {
    return this.node.machine;
  }

  /** Where the other servers reach it. */
  get peer(): string {
    return `${this.name}:${PEER_PORT}`;
  }

  /** The server that runs and is ready. */
  get server(): RunningNode | undefined {
    return this.context?.isAlive === true ? this.#server : undefined;
  }

  get state(): SeatState {
    return this.#state;
  }

  /** Another directory lies here from now on, or the same one counts for something else. */
  becomes(state: SeatState): void {
    this.#state = state;
    this.refusals = 0;
    if (state !== "removed") this.member = 0;
    if (state === "sound") this.replaces = 0;
  }

  began(context: NodeContext, nowMillis: number): void {
    this.context = context;
    this.beganMillis = nowMillis;
    this.#server = undefined;
  }

  ready(server: RunningNode): void {
    this.#server = server;
  }
}
