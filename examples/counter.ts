// A counter with three members in one process. Run it with `node --conditions=ashlar-source examples/counter.ts`.
import { MemoryNetwork, memoryMachine, memoryStorage, RaftGroup } from "ashlar/raft";

const network = new MemoryNetwork();
const start = (id: number) => {
  let value = 0;
  const stateMachine = memoryMachine({
    apply: (command) => (value += command[0] ?? 0),
    snapshot: () => new TextEncoder().encode(String(value)),
    restore: (bytes) => (value = Number(new TextDecoder().decode(bytes))),
  });
  const transport = network.join(id);
  return RaftGroup.start({ id, peers: [1, 2, 3], storage: memoryStorage(), transport, stateMachine });
};

const members = [await start(1), await start(2), await start(3)];
for (const member of members) console.log(await member.propose(Uint8Array.of(14)));
for (const member of members) await member.close();
