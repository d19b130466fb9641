// A node of its own process that sends each frame back to where it came from. Its options come as one argument, in JSON.

import type { MutualTls } from "../../env/index.ts";
import { NodeRandom, nodeNetwork, nodeTimers } from "../../env/node/index.ts";
import { type PeerAddress, type PeerLimits, PeerTransport } from "../index.ts";

export interface EchoOptions {
  readonly nodeId: number;
  readonly port: number;
  readonly peers: readonly (readonly [number, PeerAddress])[];
  readonly tls: MutualTls;
  readonly limits: Partial<PeerLimits>;
}

const options = JSON.parse(process.argv[2]!) as EchoOptions;
const transport = await PeerTransport.listen({
  env: { network: nodeNetwork, timers: nodeTimers, random: new NodeRandom() },
  nodeId: options.nodeId,
  cluster: "e2e",
  listen: { host: "127.0.0.1", port: options.port },
  peers: new Map(options.peers),
  tls: options.tls,
  limits: options.limits,
});
await transport.start({
  receive: (from, frame) => void transport.send(from, frame),
  unreachable() {},
});
process.stdout.write(`${transport.port}\n`);
