import type { Entry, StateMachine } from "../../../src/host/index.ts";
import { VERSION } from "../../../src/server/version.ts";
import { text, utf8 } from "../../../src/std/bytes.ts";
import { temporaryFolder } from "../../../src/testing/server-process.ts";
import { startThreeMembers } from "../ashlar/three-members.ts";
import type { Replicator } from "../callers.ts";

/** Remembers what it was given. */
class Record implements StateMachine<undefined> {
  appliedIndex = 0;
  readonly commands: string[] = [];

  apply(entries: readonly Entry[]): undefined[][] {
    return entries.map((entry) => {
      this.appliedIndex = entry.index;
      return entry.commands.map((command) => {
        this.commands.push(text(command));
        return undefined;
      });
    });
  }

  capture(): never {
    throw new Error("a run is too short for a snapshot");
  }
}

/** Three members in this process, with a log on the disk that is synced. */
export async function startAshlar(): Promise<Replicator & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder("bench-raft"));
  const options = { folder: folder.path, groups: 1, noSync: false, machine: () => new Record() };
  const { members, leaders } = undo.use(await startThreeMembers<undefined, Record>(options));
  const leader = members.find(({ groups }) => groups[0]!.isLeader)!;
  const kept = undo.move();
  return {
    version: VERSION,
    log: leader.machines[0]!.commands,
    propose: (command) => leaders[0]!.propose(utf8(command)),
    applied: async () => {},
    settle: async () => {},
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
