import { isConfChange } from "../../core/raft/index.ts";
import { assert } from "../../std/assert.ts";
import { fromStored } from "../requests/entry.ts";
import { appended } from "../snapshots/group-snapshots.ts";
import type { RaftLog } from "../storage/raft-log.ts";

const PAGE_BYTES = 1024 * 1024;

/**
 * Where damage may have taken marks of a group's membership and nothing else: whether the mark that is left is the latest.
 * A change has its mark before it is applied, so each that could be forgotten is an entry of the log, or was compacted.
 * Where there is none the group is as any other again, also after a crash.
 */
export async function proveMembership(log: RaftLog, group: number): Promise<boolean> {
  const { damage, configuration, firstIndex, lastIndex } = log.group(group);
  assert(damage !== undefined, "only a damaged log is in doubt");
  const { areEntriesWhole, isHardStateStale, firstChangeInDoubt } = damage;
  if (!areEntriesWhole || isHardStateStale || configuration === undefined) return false;
  if (firstChangeInDoubt < firstIndex) return false;
  for (let at = firstChangeInDoubt; at <= lastIndex; ) {
    const page = await log.readEntries(group, at, lastIndex, PAGE_BYTES);
    if (page.some(({ index, term, bytes }) => isConfChange(fromStored(index, term, bytes)))) return false;
    at = page.at(-1)!.index + 1;
  }
  await appended(log, [{ kind: "repaired", group }]);
  return true;
}
