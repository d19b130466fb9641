/**
 * Bytes of snapshots that a node sends in one tick, for all groups and members together: a snapshot does not starve
 * what else the network and the disk have to do.
 */
export class ServeBudget {
  readonly #bytesPerTick: number;
  #bytesLeft: number;

  constructor(bytesPerTick: number) {
    this.#bytesPerTick = bytesPerTick;
    this.#bytesLeft = bytesPerTick;
  }

  /** False where nothing is left in this tick. The last piece may go beyond what is. */
  take(bytes: number): boolean {
    if (this.#bytesLeft <= 0) return false;
    this.#bytesLeft -= bytes;
    return true;
  }

  tick(): void {
    this.#bytesLeft = this.#bytesPerTick;
  }
}
