export interface SimIndexOptions {
  /** How long a flush takes at most. */
  readonly flushMillisMax: number;
  /**
   * That an index which was open at a crash declares itself damaged, or is empty. Else it is some state since its last
   * flush.
   */
  readonly damagedChance: number;
  readonly emptiedChance: number;
}

export const SIM_INDEX_DEFAULTS: SimIndexOptions = { flushMillisMax: 5, damagedChance: 0, emptiedChance: 0 };
