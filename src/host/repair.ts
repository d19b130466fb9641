import { configurationOf } from "../core/raft/index.ts";
import type { Clock } from "../env/index.ts";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { hostFailure } from "./errors.ts";
import { appended } from "./group-snapshots.ts";
import { decodeMembers, encodeMembers, type Members } from "./members.ts";
import type { RaftLog } from "./raft-log.ts";
import type { SnapshotDisk } from "./raft-storage.ts";

export interface QuorumLoss {
  readonly env: { readonly clock: Clock; readonly disk: SnapshotDisk };
  /** Of the node that goes on, with the group closed. */
  readonly log: RaftLog;
  readonly nodeId: number;
  readonly group: number;
  /** Default: `raft`. */
  readonly folder?: string;
  /** Who decided this, and why: it stays in the audit file. */
  readonly by: string;
  readonly reason: string;
}

export interface QuorumLossRepair {
  readonly timeMillis: number;
  readonly nodeId: number;
  readonly group: number;
  readonly by: string;
  readonly reason: string;
  /** Of the log that became the group's, whatever of it had been acknowledged. */
  readonly lastIndex: number;
  readonly term: number;
  readonly votersBefore: readonly number[];
}

/**
 * For a group whose quorum is gone for good: makes this node its only member, with all that its log holds. What only the
 * lost members had acknowledged is lost; and should they ever come back with their old disks, there would be two groups
 * that both think they are the one: whoever calls this promises that they do not. They may join again with empty disks.
 * Written to the audit file before it is done. Rejects with CHANGE_REFUSED where this node does not hold the group, or
 * holds it as one that lost its disk.
 */
export async function repairLostQuorum(loss: QuorumLoss): Promise<QuorumLossRepair> {
  const { env, log, nodeId, group, by, reason } = loss;
  const { configuration: mark, hardState, lastIndex, lastTerm, damage } = log.group(group);
  if (mark === undefined) throw refused("this node holds nothing of the group", group);
  if (hardState?.isLost === true) throw refused("this node lost its own disk and knows nothing for certain", group);
  const before = decodeMembers(mark);
  const { voters, witnesses } = before.configuration;
  if (!voters.includes(nodeId)) throw refused("this node is no voter of the group", group);
  if (witnesses.includes(nodeId)) throw refused("this node is a witness and holds none of the group's data", group);
  if (damage !== undefined) throw refused("part of this node's own log can not be read", group);
  const term = Math.max(hardState?.term ?? 0, lastTerm) + 1;
  const repair: QuorumLossRepair = {
    ...{ timeMillis: env.clock.now(), nodeId, group, by, reason, lastIndex, term },
    votersBefore: before.configuration.voters,
  };
  await audit(env.disk, loss.folder ?? "raft", repair);
  const members: Members = {
    index: lastIndex,
    foundedAt: before.foundedAt,
    configuration: configurationOf({ voters: [nodeId] }),
  };
  await appended(log, [
    { kind: "configuration", group, index: lastIndex, bytes: encodeMembers(members) },
    {
      kind: "hardState",
      group,
      term,
      vote: 0,
      commit: lastIndex,
      incarnation: hardState?.incarnation ?? 0,
      isLost: false,
    },
  ]);
  return repair;
}

async function audit(disk: SnapshotDisk, folder: string, repair: QuorumLossRepair): Promise<void> {
  await disk.makeDirectory(folder);
  const name = `${folder}/repairs.jsonl`;
  const file = await disk.open(name, "write").catch((error) => {
    if (hasCode(error, "FILE_MISSING")) return disk.open(name, "create");
    throw error;
  });
  try {
    await file.write(await file.length(), [utf8(`${JSON.stringify(repair)}\n`)]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.syncDirectory(folder);
}

function refused(why: string, group: number): Error {
  return hostFailure("CHANGE_REFUSED", { what: `Group ${group} can not be repaired here: ${why}.`, data: { group } });
}
