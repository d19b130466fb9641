import { parseArgs } from "node:util";
import type { Times } from "../peer.ts";

export interface Flags {
  readonly groups: number;
  readonly bytes: number;
  /** In flight: of each group in one process, of each connection otherwise. */
  readonly window: number;
  readonly times: Times;
  readonly noSync: boolean;
  readonly folder: string;
  /** Of a node. */
  readonly id: number;
  /** Peer ports of all nodes, the first one's first. */
  readonly peers: readonly number[];
  /** Client ports of all nodes, likewise. */
  readonly endpoints: readonly number[];
  readonly connections: number;
}

/** Of the programs here; the same as those of bench/peers/go-raft. */
export function readFlags(): Flags {
  const text = { type: "string", default: "" } as const;
  const { values } = parseArgs({
    options: {
      groups: { type: "string", default: "1" },
      bytes: { type: "string", default: "16" },
      window: { type: "string", default: "1024" },
      seconds: { type: "string", default: "5" },
      "warm-up": { type: "string", default: "2" },
      "unsafe-no-sync": { type: "boolean", default: false },
      folder: text,
      id: text,
      peers: text,
      endpoints: text,
      connections: { type: "string", default: "48" },
    },
  });
  return {
    ...{ groups: Number(values.groups), bytes: Number(values.bytes), window: Number(values.window) },
    times: { seconds: Number(values.seconds), warmUpSeconds: Number(values["warm-up"]) },
    ...{ noSync: values["unsafe-no-sync"], folder: values.folder, id: Number(values.id) },
    ...{ peers: numbers(values.peers), endpoints: numbers(values.endpoints), connections: Number(values.connections) },
  };
}

function numbers(list: string): number[] {
  return list.split(",").map(Number);
}
