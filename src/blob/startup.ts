import type { Clock, Disk, DiskFile } from "../env/index.ts";
import { blobFailure } from "./errors.ts";
import type { BlobCounters, BlobEvent, DamageEvent } from "./events.ts";
import { EXAMINED_MAX, type Examiner } from "./examiner.ts";
import { FOLDER, parseVolumeFileName, SUPERBLOCK_BYTES, UNIT_BYTES, volumeFileName } from "./format.ts";
import { mendTail } from "./healing/mend.ts";
import type { Health } from "./health.ts";
import type { Liveness } from "./liveness.ts";
import { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import { recoverVolume } from "./recovery.ts";
import type { Registry, Volume } from "./registry.ts";
import { mayLeaveAt } from "./replicas/departures.ts";
import type { RemoteFiles } from "./replicas/remote-files.ts";
import type { Replication } from "./replicas/replication.ts";
import type { BlobBugs } from "./seeded-bugs.ts";
import { readSuperblock } from "./superblock.ts";
import type { NeedleSlot } from "./walk.ts";

const BLANK_BYTES = 65_536;

export interface StartupContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly node: string;
  readonly registry: Registry;
  readonly health: Health;
  readonly options: BlobOptions;
  readonly onEvent: (event: BlobEvent) => void;
  readonly onDamage: (damage: Omit<DamageEvent, "kind">) => void;
  readonly liveness: Liveness;
  readonly examiner: Examiner;
  /** Undefined for a node that is alone. */
  readonly replication: Replication | undefined;
  readonly remote: RemoteFiles | undefined;
  readonly counters: BlobCounters;
  /** Whether the member will never come back. */
  readonly isGone: (member: string) => boolean;
  /** Resolves when no other node writes to this node's copy any more. */
  readonly letGo: (volume: number) => Promise<void>;
  readonly bugs: BlobBugs;
}

/**
 * Brings files and rows together after a stop at any point: the row says which generation counts. Files of other
 * generations and the remains of openings go; what no row explains stays and is reported.
 */
export async function settleFiles(context: StartupContext): Promise<void> {
  const { disk, registry, onEvent, onDamage } = context;
  const names = new Set(await disk.list(FOLDER));
  for (const name of names) {
    const isLeftOver = await isLeftOverFile(context, name, names);
    if (isLeftOver) await disk.remove(`${FOLDER}/${name}`);
    else if (!isCurrentFile(registry, name)) onEvent({ kind: "file-unknown", name });
  }
  // Also where an earlier process removed them and died: a name that may come back must not lose its row.
  await disk.syncDirectory(FOLDER);
  for (const volume of registry.all()) {
    if (!registry.holds(volume)) continue;
    const { state, generation, durable } = volume.row;
    if (state === "removed") await registry.leave(volume);
    else if (!names.has(currentName(volume))) {
      volume.unsound = true;
      const found = { needle: undefined, position: 0, bytes: durable, what: "file-missing" as const };
      onDamage({ volume: volume.id, generation, found: "start", ...found });
    }
  }
}

/** Takes over a volume that this node was writing, or another one. Undefined where the file is not fit to be appended to. */
export async function reopenVolume(context: StartupContext, volume: Volume): Promise<OpenVolume | undefined> {
  const { disk, clock, node, registry, options, health, onEvent, onDamage, bugs } = context;
  const file = await disk.open(volumeFileName(volume.id, 1), "write");
  let open: OpenVolume | undefined;
  try {
    const fileBytes = await file.length();
    const { durable, gapBytes } = volume.row;
    const damage = { volume: volume.id, generation: 1, found: "start" as const, needle: undefined };
    if (fileBytes < durable) {
      volume.unsound = true;
      onDamage({ ...damage, position: fileBytes, bytes: durable - fileBytes, what: "file-short" });
      return undefined;
    }
    await registry.change(volume, volume.row.epoch, { epoch: volume.row.epoch + 1, writer: node });
    // What its last writer still has under way here ends before anything is read.
    await context.letGo(volume.id);
    await mendByOthers(context, volume, file);
    const timeMillis = Math.max(0, Math.floor(clock.now()));
    const start = { durable, gapBytes, epoch: volume.row.epoch, timeMillis };
    const judge = (slots: readonly NeedleSlot[]): Promise<ReadonlySet<number>> => judgeTail(context, volume, slots);
    const recovered = await recoverVolume(file, volume.identity, start, judge, bugs);
    const superblock = await readSuperblock(file);
    if (superblock === undefined) onDamage({ ...damage, position: 0, bytes: SUPERBLOCK_BYTES, what: "superblock" });
    if (recovered.damage.length > 0) checkOthersAreThere(context, volume);
    for (const torn of recovered.torn) onEvent({ kind: "tail-torn", volume: volume.id, ...torn });
    for (const found of recovered.damage) onDamage({ ...damage, ...found });
    const { tail, gapBytes: gapBytesNow } = recovered;
    const replicas = context.replication?.replicasOf(volume, []);
    // The other copies may lack something of it: whoever recovers the volume next has to look again.
    const isSole = volume.row.members.length === 1;
    if (isSole) await registry.change(volume, volume.row.epoch, { durable: tail, gapBytes: gapBytesNow });
    const state = { ...recovered, durable: isSole ? tail : durable };
    open = new OpenVolume(volume, file, state, { limits: options, health, replicas });
    // Nothing new goes where something was lost, or where the other copies have to be brought to the same first.
    open.retired = superblock === undefined || recovered.damage.length > 0 || replicas !== undefined;
    return open;
  } finally {
    if (open === undefined) await file.close();
  }
}

/**
 * What a crash, or the disk, has spoilt behind what the row calls durable, and another copy has whole, comes from there:
 * soon the other copies are brought to the bytes of this one.
 */
async function mendByOthers(
  { remote, health, counters, bugs }: StartupContext,
  volume: Volume,
  file: DiskFile,
): Promise<void> {
  const sources = remote?.copiesOf(volume) ?? [];
  if (sources.length === 0 || bugs.has("recover-without-mending")) return;
  const pace = async (): Promise<void> => health.check();
  const { identity, row } = volume;
  counters.mendedSlots += (await mendTail({ file, identity, sources, pace }, row.durable)).repaired;
}

/** A member that is away may have whole what this copy lacks: the copies are not made equal without it, unless it is gone. */
function checkOthersAreThere({ replication, clock, node, options, isGone }: StartupContext, { id, row }: Volume): void {
  if (replication === undefined) return;
  const awaited = row.members.filter((member) => {
    if (member === node || isGone(member) || replication.isConnected(member)) return false;
    return replication.silentMillis(member, clock.monotonic()) < options.healAfterMillis;
  });
  if (awaited.length > 0) throw blobFailure("REPLICAS_UNREACHABLE", { data: { volume: id, members: awaited } });
}

/** Needles that no row names get garbage marks, so that no late commit can name them. All others count as live. */
async function judgeTail(
  { liveness, examiner, bugs }: StartupContext,
  volume: Volume,
  slots: readonly NeedleSlot[],
): Promise<ReadonlySet<number>> {
  const live = new Set(slots.map(({ position }) => position));
  if (bugs.has("take-over-without-judging")) return live;
  for (let at = 0; at < slots.length; at += EXAMINED_MAX) {
    const candidates = slots.slice(at, at + EXAMINED_MAX).map(({ owner, header }) => {
      // Its bytes will be counted as a gap.
      return { owner, name: { volume: volume.id, needle: header.needle }, slotBytes: 0 };
    });
    const answers = await liveness.ask(candidates);
    const orphans = candidates.filter((_, index) => !answers[index]);
    for (const { name } of await examiner.examine(orphans)) live.delete(name.needle * UNIT_BYTES);
  }
  return live;
}

function currentName(volume: Volume): string {
  return volumeFileName(volume.id, volume.row.generation).slice(FOLDER.length + 1);
}

function isCurrentFile(registry: Registry, name: string): boolean {
  const volume = registry.get(parseVolumeFileName(name)?.volume ?? 0);
  return volume !== undefined && registry.holds(volume) && currentName(volume) === name;
}

/**
 * Another generation goes only where the current one is there: rows from an old backup must not cost the file that is
 * left. A file without a row goes only where nothing was ever written to it, and one that the row does not count among
 * its copies where it counts enough others.
 */
async function isLeftOverFile(
  { disk, registry, options }: StartupContext,
  name: string,
  names: ReadonlySet<string>,
): Promise<boolean> {
  const file = parseVolumeFileName(name);
  if (file === undefined) return false;
  const volume = registry.get(file.volume);
  if (volume === undefined) return file.generation === 1 && (await isBlank(disk, `${FOLDER}/${name}`));
  if (volume.row.state === "removed") return true;
  if (!registry.holds(volume)) return volume.row.members.length >= mayLeaveAt(options);
  // The next generation may be about to become the current one, by a node that knows that it is whole here.
  const isNext = file.generation === volume.row.generation + 1;
  if (isNext && volume.row.members.length > 1) return false;
  return currentName(volume) !== name && names.has(currentName(volume));
}

/** Only zeros behind the superblock. */
async function isBlank(disk: Disk, name: string): Promise<boolean> {
  const file = await disk.open(name, "read");
  try {
    for (let position = SUPERBLOCK_BYTES; ; ) {
      const bytes = await file.read(position, BLANK_BYTES);
      if (bytes.some((byte) => byte !== 0)) return false;
      if (bytes.length < BLANK_BYTES) return true;
      position += bytes.length;
    }
  } finally {
    await file.close();
  }
}
