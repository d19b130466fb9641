// Three members of a group driven by hand: the owner of a RaftCore brings time, storage and messages itself.
// Run it with `node --conditions=ashlar-source examples/core.ts`.
import { configurationOf, isConfChange, MemoryStorage, type Message, RaftCore } from "ashlar/raft";

const founders = configurationOf({ voters: [1, 2, 3] });
const members = founders.voters.map((id) => {
  const storage = new MemoryStorage();
  storage.applySnapshot({ index: 1, term: 1, configuration: founders, data: new Uint8Array(0) });
  return { id, storage, core: new RaftCore({ id, storage, random: Math.random, applied: 1 }) };
});

let mail: Message[] = [];

/** Does what every Ready says, in its order, and delivers, until nothing is left to do. */
function settle(): void {
  do {
    const delivered = mail;
    mail = [];
    for (const message of delivered) members.find(({ id }) => id === message.to)?.core.step(message);
    for (const { id, core, storage } of members) {
      while (core.hasReady) {
        const { hardState, entries, snapshot, committedEntries, messages } = core.ready();
        if (snapshot !== undefined) storage.applySnapshot(snapshot);
        storage.append(entries);
        if (hardState !== undefined) storage.setHardState(hardState);
        // On a disk: sync here, before anything leaves.
        mail.push(...messages);
        for (const entry of committedEntries) {
          if (isConfChange(entry)) core.applyConfChange(entry);
          else if (entry.data.length > 0) console.log(`member ${id}: ${new TextDecoder().decode(entry.data)}`);
        }
        core.advance();
      }
    }
  } while (mail.length > 0);
}

// Time would do it, too: the first member whose `tick` finds no leader for long enough stands for election.
members[0]!.core.campaign();
settle();
console.log(members[0]!.core.explain().leader);
members[1]!.core.propose(new TextEncoder().encode("hello"));
settle();
