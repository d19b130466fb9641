import type { NeedleName } from "./needle-rows.ts";

/** Needles of appends whose rows are not committed or given up yet: the collector leaves them alone. */
export class InFlight {
  readonly #volumes = new Map<number, Set<number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(name: NeedleName): boolean {
    return this.#volumes.get(name.volume)?.has(name.needle) ?? false;
  }

  add(name: NeedleName): void {
    let needles = this.#volumes.get(name.volume);
    if (needles === undefined) this.#volumes.set(name.volume, (needles = new Set()));
    if (!needles.has(name.needle)) this.#size++;
    needles.add(name.needle);
  }

  remove(name: NeedleName): void {
    const needles = this.#volumes.get(name.volume);
    if (!needles?.delete(name.needle)) return;
    this.#size--;
    if (needles.size === 0) this.#volumes.delete(name.volume);
  }
}
