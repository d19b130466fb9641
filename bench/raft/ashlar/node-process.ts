// One of three servers on loopback: a host with a log of its own, key-value groups, a port for clients. It says on
// standard output where that is.

import { once } from "node:events";
import { listenForClients } from "./client-port.ts";
import { readFlags } from "./flags.ts";
import { KeyValues } from "./key-values.ts";
import { startMember } from "./member.ts";
import { startTransport } from "./transport.ts";

const { id: nodeId, peers, folder, groups, noSync } = readFlags();
const transport = await startTransport(nodeId, peers);
const machine = (): KeyValues => new KeyValues();
const member = await startMember<undefined, KeyValues>({ nodeId, folder, groups, noSync, transport, machine });
const server = listenForClients(member).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as { port: number };
process.stdout.write(`${JSON.stringify({ port })}\n`);
