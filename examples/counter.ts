// A counter on three members in one process. Run it with `node --conditions=ashlar-source examples/counter.ts`.
import { MemoryNetwork, memoryMachine, memoryStorage, RaftGroup } from "ashlar/raft";

const counter = (value = 0) =>
  memoryMachine({
    apply: (command) => (value += command[0] ?? 0),
    snapshot: () => new TextEncoder().encode(String(value)),
    restore: (bytes) => void (value = Number(new TextDecoder().decode(bytes))),
  });

const network = new MemoryNetwork();
const start = (id: number) =>
  RaftGroup.start({
    id,
    peers: [1, 2, 3],
    storage: memoryStorage(),
    transport: network.join(id),
    stateMachine: counter(),
  });

const members = [await start(1), await start(2), await start(3)];
for (const member of members) console.log(await member.propose(Uint8Array.of(14)));
await Promise.all(members.map((member) => member.close()));
