import { text, utf8 } from "../../std/bytes.ts";
import { memoryMachine } from "../memory-machine.ts";
import { RaftGroup } from "../raft-group.ts";
import type { StateMachine } from "../state-machine.ts";
import type { Case } from "./case.ts";
import { holds, same } from "./expect.ts";
import type { StorageNeed, StorageSubject } from "./storage-subject.ts";

/** Makes a snapshot every few dozen commands. */
const SNAPSHOT_LOG_BYTES = 2000;

/** A group of one on the storage, which is what all of it is for. */
export const GROUP_CASES: readonly Case<StorageSubject, StorageNeed>[] = [
  {
    name: "a group finds every answered command again, through log and snapshots",
    async run(subject) {
      await subject.close();
      const expected: string[] = [];
      for (let life = 0; life < 4; life++) {
        const { seen, group } = await start(subject);
        // A member that is left open keeps its process alive, and a runner waiting.
        try {
          same(seen, expected, "the machine holds what was answered in the lives before");
          for (let count = 0; count < 40; count++) expected.push(await propose(subject, group, `${life}-${count}`));
        } finally {
          await subject.settle(group.close());
        }
      }
      await subject.reopen();
      holds(subject.opened.log.group(1).compaction.index > 40, "the log was given up behind snapshots");
    },
  },
  {
    name: "a group finds every answered command again after crashes",
    needs: ["crash"],
    async run(subject) {
      await subject.close();
      const expected: string[] = [];
      for (let life = 0; life < 4; life++) {
        const { seen, group } = await start(subject);
        const known = seen.slice(0, expected.length);
        same(known, expected, "the machine holds what was answered in the lives before");
        expected.splice(0, expected.length, ...seen);
        for (let count = 0; count < 40; count++) expected.push(await propose(subject, group, `${life}-${count}`));
        group.propose(utf8(`${life}-last`)).catch(() => {});
        await subject.crash();
        await subject.close();
      }
      await subject.reopen();
    },
  },
];

async function propose(subject: StorageSubject, group: RaftGroup<number>, command: string): Promise<string> {
  await subject.settle(group.propose(utf8(command)));
  return command;
}

async function start(
  subject: StorageSubject,
): Promise<{ readonly seen: readonly string[]; readonly group: RaftGroup<number> }> {
  const seen: string[] = [];
  const group = await subject.settle(
    RaftGroup.start({
      ...{ id: 1, peers: [1], storage: subject.storage, stateMachine: recorder(seen) },
      limits: { snapshotLogBytesMin: SNAPSHOT_LOG_BYTES },
    }),
  );
  await subject.settle(group.read());
  return { seen: [...seen], group };
}

function recorder(seen: string[]): StateMachine<number> {
  return memoryMachine({
    apply: (command) => seen.push(text(command)),
    snapshot: () => utf8(JSON.stringify(seen)),
    restore: (bytes) => void seen.splice(0, seen.length, ...JSON.parse(text(bytes))),
  });
}
