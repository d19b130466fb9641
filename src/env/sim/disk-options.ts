export interface SimDiskOptions {
  readonly bytesMax: number;
  /** How long an operation takes: evenly spread from the first to the second. */
  readonly delayMillis: readonly [number, number];
  readonly slowChance: number;
  readonly slowMillis: number;
  readonly readErrorChance: number;
  readonly writeErrorChance: number;
  readonly syncErrorChance: number;
  /** That a read first flips one stored bit of what it reads, for good. */
  readonly rotChance: number;
  /** At a crash, for each sector that was written since the last sync. The rest of them is kept. */
  readonly lostChance: number;
  readonly garbledChance: number;
  /** At a crash, for each change of a name or a length since the last sync. */
  readonly nameLostChance: number;
  readonly powersafeOverwrite: boolean;
}

/** A sound disk. What is not synced is still unsure at a crash: that is no fault. */
export const SIM_DISK_DEFAULTS: SimDiskOptions = {
  bytesMax: 2 ** 40,
  delayMillis: [0.05, 0.3],
  slowChance: 0,
  slowMillis: 500,
  readErrorChance: 0,
  writeErrorChance: 0,
  syncErrorChance: 0,
  rotChance: 0,
  lostChance: 0.4,
  garbledChance: 0.1,
  nameLostChance: 0.5,
  powersafeOverwrite: true,
};
