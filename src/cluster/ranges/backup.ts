// A copy of all rows of a cluster whose keys are cut into ranges, as they were at one moment.
//
//   1. all ranges are held where they are; their groups note from now on which rows are written
//   2. the rows of other groups are copied page by page, then what was written meanwhile, until little is left
//   3. every group freezes its ranges; the little that is left is copied, and this node's member of the root group takes
//      hold of what that group has
//   4. every group goes on
//   5. all is joined, as the rows of one Store that was never cut
//
// Between the last freeze and the first thaw no key is read or written, whoever asks. So all that was acknowledged before
// step 3 is in the copy, nothing that began behind step 4 is, and a commit over several ranges is there whole or not at
// all: what was prepared is there as such, and its decision with it if there was one. Nobody has thawed before the root
// group's rows were held: whoever lets go in another's place says so in the root group first.

import { Pacer } from "../../blob/index.ts";
import type { Env } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import {
  Copier,
  type HeldRange,
  PAGE_LIMITS,
  type PageLimits,
  ROOT_GROUP,
  RowSpool,
  type WrittenCheckpoint,
  writeJoinedCopy,
} from "../../store/index.ts";
import { pause } from "../pause.ts";
import { eachRange, type HeldMap, type HoldSettings, holding, routedGroup } from "./hold.ts";
import { type Layout, readLayout } from "./layout.ts";

export interface RangesBackup extends HoldSettings {
  readonly env: Pick<Env, "clock" | "timers" | "disk" | "indexes">;
  readonly bytesPerSecond: number;
  readonly pageLimits?: PageLimits;
}

/** Keys that are on their way arrive first. */
const BUSY_MILLIS_MAX = 60_000;
const PAUSE_MILLIS = 500;

/**
 * Writes the rows of all groups into one file, from which a node starts as one that has them all. The folder must exist;
 * files beside it, with the same name and an ending, are there meanwhile. Rejects with RANGES_BUSY where keys are on
 * their way for too long, and with TRANSFER_SUPERSEDED where the groups stood still for too long and were let go.
 */
export async function backUpRanges(
  backup: RangesBackup,
  name: string,
  signal?: AbortSignal,
): Promise<WrittenCheckpoint> {
  const { env } = backup;
  const deadline = env.clock.monotonic() + BUSY_MILLIS_MAX;
  for (;;) {
    const uncut = await uncutCopy(backup, name, signal);
    if (uncut !== undefined) return uncut;
    try {
      return await cutCopy(backup, name, signal);
    } catch (error) {
      if (!hasCode(error, "RANGES_BUSY") || env.clock.monotonic() >= deadline) throw error;
    }
    signal?.throwIfAborted();
    await pause(env.timers, PAUSE_MILLIS, signal ?? NEVER);
  }
}

const NEVER = new AbortController().signal;

/** Undefined where there are groups beside the root one, or were before it was done. */
async function uncutCopy(
  { env, root }: RangesBackup,
  name: string,
  signal: AbortSignal | undefined,
): Promise<WrittenCheckpoint | undefined> {
  const isUncut = ({ map, groups, transfers }: Layout): boolean =>
    map.isWhole && groups.length + transfers.length === 0;
  if (!isUncut(await readLayout(root))) return undefined;
  const written = await root.backup(env.disk, name, signal).catch((error: unknown) => {
    if (!hasCode(error, "RANGES_CUT")) throw error;
    return undefined;
  });
  if (written === undefined || isUncut(await readLayout(root))) return written;
  await env.disk.remove(name);
  return undefined;
}

async function cutCopy(
  backup: RangesBackup,
  name: string,
  signal: AbortSignal | undefined,
): Promise<WrittenCheckpoint> {
  const { env, root } = backup;
  const rootRows = `${name}.root`;
  await using parts = new AsyncDisposableStack();
  const spool = parts.use(await RowSpool.create(env.disk, `${name}.moved`));
  parts.defer(() => env.disk.remove(rootRows).catch(() => {}));
  await env.disk.remove(rootRows).catch(() => {});
  const { held, ranges, written } = await holding(backup, async (map) => {
    const copied = await copyRanges(backup, map, spool, signal);
    return { held: map, ranges: copied, ...(await root.copy(env.disk, rootRows, signal)) };
  });
  await written;
  const { id, attempt } = held.row;
  const joined = { env, name, rootRows, hold: { id, attempt }, ranges, spool, ...(signal && { signal }) };
  return await writeJoinedCopy(joined);
}

/** When it resolves, all of them are frozen, and the spool has the rows of all that are not the root group's. */
async function copyRanges(
  backup: RangesBackup,
  { row, ranges }: HeldMap,
  spool: RowSpool,
  signal: AbortSignal | undefined,
): Promise<HeldRange[]> {
  const { id, attempt } = row;
  const pacer = new Pacer(
    backup.env.clock,
    { sleep: (millis) => pause(backup.env.timers, millis, signal ?? NEVER) },
    backup.bytesPerSecond,
  );
  const copiers = ranges.map(({ from, to, group: source }, at) => {
    return new Copier({
      ...{ transfer: id + at, attempt, from, to, source, limits: backup.pageLimits ?? PAGE_LIMITS },
      sourceGroup: routedGroup(backup, source),
      targetGroup: spool,
      pace: async (bytes, isUrgent) => {
        if (!isUrgent) await pacer.pace(bytes);
        signal?.throwIfAborted();
      },
    });
  });
  const source = (at: number) => routedGroup(backup, ranges[at]!.group);
  const name = (at: number) => ({ transfer: id + at, attempt });
  await eachRange(ranges, async ({ from, to }, at) => {
    await source(at).step({ kind: "export-begin", ...name(at), from, to, target: ROOT_GROUP });
  });
  const isMoved = (at: number): boolean => ranges[at]!.group !== ROOT_GROUP;
  for (const [at, copier] of copiers.entries()) if (isMoved(at)) await copier.copyRows();
  // The first ones have gathered most by now.
  for (const [at, copier] of copiers.entries()) while (isMoved(at) && (await copier.copyWritten()).more);
  const held: HeldRange[] = [];
  await eachRange(ranges, async ({ from, to, group }, at) => {
    const { revision } = await source(at).step({ kind: "export-freeze", ...name(at) });
    while (isMoved(at) && (await copiers[at]!.copyWritten()).rows > 0);
    held[at] = { transfer: id + at, group, from, to, revision, pieces: copiers[at]!.pieces };
  });
  return held;
}
