// One of three servers on loopback: a host with a log of its own, key-value groups, a port for clients. It says on
// standard output where that is.

import { once } from "node:events";
import { PeerTransport } from "../../../src/peer/index.ts";
import { listenForClients } from "./client-port.ts";
import { readFlags } from "./flags.ts";
import { KeyValues } from "./key-values.ts";
import { startMember } from "./member.ts";

const { id: nodeId, peers, folder, groups, noSync } = readFlags();
const addresses = new Map(peers.map((port, at) => [at + 1, { host: "127.0.0.1", port }]));
const machine = (): KeyValues => new KeyValues();
const member = await startMember<undefined, KeyValues>({
  nodeId,
  folder,
  groups,
  noSync,
  machine,
  transport: (env) =>
    PeerTransport.listen({ env, nodeId, cluster: "bench", listen: addresses.get(nodeId)!, peers: addresses }),
});
const server = listenForClients(member).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as { port: number };
process.stdout.write(`${JSON.stringify({ port })}\n`);
