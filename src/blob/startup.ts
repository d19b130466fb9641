import type { Clock, Disk } from "../env/index.ts";
import type { BlobEvent, DamageEvent } from "./events.ts";
import { EXAMINED_MAX, type Examiner } from "./examiner.ts";
import { FOLDER, parseVolumeFileName, SUPERBLOCK_BYTES, UNIT_BYTES, volumeFileName } from "./format.ts";
import type { Health } from "./health.ts";
import type { Liveness } from "./liveness.ts";
import { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import { recoverVolume } from "./recovery.ts";
import type { Registry, Volume } from "./registry.ts";
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
  readonly bugs: BlobBugs;
}

/**
 * Brings files and rows together after a stop at any point: the row says which generation counts. Files of other
 * generations and the remains of openings go; what no row explains stays and is reported.
 */
export async function settleFiles(context: StartupContext): Promise<void> {
  const { disk, registry, onEvent, onDamage } = context;
  const names = new Set(await disk.list(FOLDER));
  let removed = false;
  for (const name of names) {
    const isLeftOver = await isLeftOverFile(context, name, names);
    if (isLeftOver) await disk.remove(`${FOLDER}/${name}`);
    else if (!isCurrentFile(registry, name)) onEvent({ kind: "file-unknown", name });
    removed ||= isLeftOver;
  }
  if (removed) await disk.syncDirectory(FOLDER);
  for (const volume of registry.all()) {
    const { state, generation, durable } = volume.row;
    if (state === "removed") await registry.forget(volume);
    else if (!names.has(currentName(volume))) {
      volume.unsound = true;
      const found = { needle: undefined, position: 0, bytes: durable, what: "file-missing" as const };
      onDamage({ volume: volume.id, generation, found: "start", ...found });
    }
  }
}

/** Takes over the volumes that this node was writing. Undefined where the file is not fit to be appended to. */
export async function reopenVolume(context: StartupContext, volume: Volume): Promise<OpenVolume | undefined> {
  const { disk, clock, registry, options, health, onEvent, onDamage, bugs } = context;
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
    await registry.change(volume, { epoch: volume.row.epoch + 1 });
    const timeMillis = Math.max(0, Math.floor(clock.now()));
    const start = { durable, gapBytes, epoch: volume.row.epoch, timeMillis };
    const judge = (slots: readonly NeedleSlot[]): Promise<ReadonlySet<number>> => judgeTail(context, volume, slots);
    const recovered = await recoverVolume(file, volume.identity, start, judge, bugs);
    const superblock = await readSuperblock(file);
    if (superblock === undefined) onDamage({ ...damage, position: 0, bytes: SUPERBLOCK_BYTES, what: "superblock" });
    for (const torn of recovered.torn) onEvent({ kind: "tail-torn", volume: volume.id, ...torn });
    for (const found of recovered.damage) onDamage({ ...damage, ...found });
    await registry.change(volume, { durable: recovered.tail, gapBytes: recovered.gapBytes });
    open = new OpenVolume(volume, file, recovered, options, health);
    // Nothing new goes where something was lost.
    open.retired = superblock === undefined || recovered.damage.length > 0;
    return open;
  } finally {
    if (open === undefined) await file.close();
  }
}

/** Needles that no row names get garbage marks, so that no late commit can name them. All others count as live. */
async function judgeTail(
  { liveness, examiner }: StartupContext,
  volume: Volume,
  slots: readonly NeedleSlot[],
): Promise<ReadonlySet<number>> {
  const live = new Set(slots.map(({ position }) => position));
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
  return volume !== undefined && currentName(volume) === name;
}

/**
 * Another generation goes only where the current one is there: rows from an old backup must not cost the file that is
 * left. A file without a row goes only where nothing was ever written to it.
 */
async function isLeftOverFile(
  { disk, registry }: StartupContext,
  name: string,
  names: ReadonlySet<string>,
): Promise<boolean> {
  const file = parseVolumeFileName(name);
  if (file === undefined) return false;
  const volume = registry.get(file.volume);
  if (volume === undefined) return file.generation === 1 && (await isBlank(disk, `${FOLDER}/${name}`));
  if (volume.row.state === "removed") return true;
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
