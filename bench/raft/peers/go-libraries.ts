import { temporaryFolder } from "../../../src/testing/server-process.ts";
import { NotRun } from "../../not-run.ts";
import { memoryFolder } from "../memory-folder.ts";
import type { Peer } from "../peer.ts";
import { flagsOf, runProgram } from "../program.ts";
import { buildGoProgram, GO_PROGRAM } from "./go-program.ts";

/** Without a sync, its log lies in memory. */
export const DRAGONBOAT: Peer = library({
  name: "Dragonboat",
  durability: "its Pebble store: a synced write for a batch of groups",
  args: ["dragonboat"],
});

export const DRAGONBOAT_TAN: Peer = library({
  name: "Dragonboat, tan",
  durability: "its own log files, one a group and member: a sync for each",
  args: ["dragonboat", "--log-store", "tan"],
  groupsMax: { count: 1, reason: "it reserves 64 MiB of disk a group and member, and is slower there than on Pebble" },
});

export const ETCD_RAFT: Peer = library({
  name: "etcd-raft",
  durability: "a host of our own: one preallocated log a member, one fdatasync for all its groups",
  args: ["etcd-raft"],
  noSyncFlag: "--unsafe-no-sync",
});

function library(kind: {
  readonly name: string;
  readonly durability: string;
  readonly args: readonly string[];
  readonly groupsMax?: { readonly count: number; readonly reason: string };
  readonly noSyncFlag?: string;
}): Peer {
  return {
    name: kind.name,
    place: "one process",
    durability: kind.durability,
    install: buildGoProgram,
    async run(workload, times) {
      const { groupsMax, noSyncFlag } = kind;
      if (groupsMax !== undefined && workload.groups > groupsMax.count) throw new NotRun(groupsMax.reason);
      const inMemory = !workload.synced && noSyncFlag === undefined;
      await using folder = await (inMemory ? memoryFolder : temporaryFolder)("bench-raft");
      const noSync = workload.synced || noSyncFlag === undefined ? [] : [noSyncFlag];
      const args = [...kind.args, ...flagsOf(workload), ...noSync, "--folder", folder.path];
      return await runProgram({ command: GO_PROGRAM, args, times });
    },
  };
}
