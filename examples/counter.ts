// A counter with three members in one process. Run it with `node --conditions=ashlar-source examples/counter.ts`.
import { MemoryNetwork, memoryMachine, memoryStorage, RaftGroup } from "ashlar/raft";

const network = new MemoryNetwork();
const start = (id: number, value = 0) =>
  RaftGroup.start({
    ...{ id, peers: [1, 2, 3], storage: memoryStorage(), transport: network.join(id) },
    stateMachine: memoryMachine({
      apply: (command) => (value += command[0] ?? 0),
      snapshot: () => Uint8Array.from(String(value), (digit) => Number(digit)),
      restore: (bytes) => (value = Number([...bytes].join(""))),
    }),
  });

const members = [await start(1), await start(2), await start(3)];
for (const member of members) console.log(await member.propose(Uint8Array.of(14)));
for (const member of members) await member.close();
